/** Settings that name hosts and origins, and the guard of a server that listens on every address. Rules HO3, HO9 and HO10. */
import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { ConfigError, loadConfig, refuseOpenWithoutAuth } from '../../src/base/config.ts'
import { createWebGuard } from '../../src/http/web-guard.ts'

/** The error about the one invalid variable. */
function faultOf(env: Readonly<Record<string, string>>): string {
  try {
    loadConfig(env)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    const lines = (error as Error).message.split('\n')
    expect(lines).toHaveLength(2)
    return lines[1]?.trim() ?? ''
  }
  throw new Error(`${JSON.stringify(env)} was taken`)
}

function isServed(host: string, given: string, localAddress = '127.0.0.1'): boolean {
  const guard = createWebGuard({ host, hosts: [], corsOrigins: [] }, false)
  const incoming = { url: '/', headers: { host: given }, rawHeaders: ['Host', given], socket: { localAddress } }
  return guard.refusalOfHost(incoming as unknown as IncomingMessage) === undefined
}

describe('BOARDCAST_CORS_ORIGINS', () => {
  it.each([
    ['https://a.example/', ['https://a.example']],
    ['HTTPS://A.Example', ['https://a.example']],
    ['https://a.example:443,http://a.example:80', ['https://a.example', 'http://a.example']],
    ['https://a.example:8443', ['https://a.example:8443']],
    ['https://bücher.example', ['https://xn--bcher-kva.example']],
    ['https://a.example.', ['https://a.example']],
    ['http://[0:0::1]:5173', ['http://[::1]:5173']],
    ['chrome-extension://AbCdEf', ['chrome-extension://abcdef']],
    [' https://a.example ,, https://A.example/, ', ['https://a.example']],
    ['*', ['*']],
    [' * ,', ['*']],
    [' , ', []],
  ])('[HO9] %j is read in one form', (text, origins) => {
    expect(loadConfig({ BOARDCAST_CORS_ORIGINS: text }).corsOrigins).toEqual(origins)
  })

  it.each([
    ['a.example', 'https://a.example'],
    ['localhost:5173', 'http://localhost:5173'],
    ['//a.example', 'scheme, host and port'],
    ['https://a.example/app', 'no path; write https://a.example'],
    ['https://a.example?x', 'no path'],
    ['https://me@a.example', 'not an origin'],
    ['https://a.example:99999', 'not an origin'],
    ['https://*.a.example', 'list each origin'],
    ['null', 'sandboxed'],
    ['*,https://a.example', '* alone'],
    ['https://a.example https://b.example', 'commas'],
  ])('[HO9] %j is refused by name, with the fix', (text, fix) => {
    const fault = faultOf({ BOARDCAST_CORS_ORIGINS: text })
    expect(fault).toMatch(/^BOARDCAST_CORS_ORIGINS lists /)
    expect(fault).toContain(fix)
  })
})

describe('BOARDCAST_HOSTS', () => {
  it.each([
    ['Board.Example., board.example', ['board.example']],
    ['bücher.example:8443', ['xn--bcher-kva.example:8443']],
    ['::1,[0:0::2]:80,10.1.2.3', ['[::1]', '[::2]:80', '10.1.2.3']],
    ['*', ['*']],
    ['', []],
  ])('[HO9] %j is read in one form', (text, hosts) => {
    expect(loadConfig({ BOARDCAST_HOSTS: text }).hosts).toEqual(hosts)
  })

  it.each([
    ['https://board.example/', 'leave out the scheme, and write board.example'],
    ['*.board.example', 'list each name'],
    ['board.example/x', 'not a host'],
    ['*,board.example', '* alone'],
    ['a.example b.example', 'commas'],
  ])('[HO9] %j is refused by name, with the fix', (text, fix) => {
    const fault = faultOf({ BOARDCAST_HOSTS: text })
    expect(fault).toMatch(/^BOARDCAST_HOSTS lists /)
    expect(fault).toContain(fix)
  })
})

describe('HOST', () => {
  it.each([
    ['[::1]', '::1'],
    ['::1', '::1'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['LOCALHOST', 'localhost'],
    ['127.1', '127.0.0.1'],
    [' 127.0.0.1 ', '127.0.0.1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
  ])('[HO10] %j is the loopback address %s', (HOST, host) => {
    const config = loadConfig({ HOST })
    expect(config.host).toBe(host)
    expect(() => refuseOpenWithoutAuth(config)).not.toThrow()
  })

  it('[HO10] keeps the zone of a link-local address', () => {
    for (const HOST of ['fe80::1%eth0', '[fe80::1%eth0]']) expect(loadConfig({ HOST }).host).toBe('fe80::1%eth0')
  })

  it.each(['localhost:3000', '[::1]:3000', 'http://localhost', '*', 'a b', ' ', '127.0.0.1/8', '1270.0.0.1'])(
    '[HO10] rejects %j, and names the fix',
    (HOST) => {
      expect(faultOf({ HOST })).toMatch(/^HOST is .*without a port.*PORT/)
    },
  )
})

describe('a server that listens beyond loopback', () => {
  it.each(['0.0.0.0', '::'])('[HO3] on %s accepts every address as its host, and no name', (host) => {
    for (const own of ['10.1.2.3', '10.1.2.3:3000', '[2001:db8::1]:3000', '0.0.0.0:3000', 'localhost']) {
      expect([own, isServed(host, own)]).toEqual([own, true])
    }
    for (const other of ['evil.test', '10.1.2.3.evil.test', 'board.example']) {
      expect([other, isServed(host, other)]).toEqual([other, false])
    }
  })

  it('[HO3] on one address or name accepts that one as its host', () => {
    expect(isServed('10.1.2.3', '10.1.2.3:3000', '10.1.2.3')).toBe(true)
    expect(isServed('10.1.2.3', '10.1.2.4:3000', '10.1.2.3')).toBe(false)
    expect(isServed('board.lan', 'Board.LAN:3000', '10.1.2.3')).toBe(true)
    expect(isServed('board.lan', '10.1.2.3', '10.1.2.3')).toBe(true)
    expect(isServed('fe80::1%eth0', '[fe80::1]:3000', 'fe80::1%eth0')).toBe(true)
    expect(isServed('board.lan', 'evil.test', '10.1.2.3')).toBe(false)
  })
})
