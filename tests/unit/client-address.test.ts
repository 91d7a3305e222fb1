/** Which address counts as the client's. Rule HA13 of docs/security.md. */
import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/base/config.ts'
import { groupOf, trustedProxies } from '../../src/http/client-address.ts'

function clientOf(list: string, remoteAddress: string | undefined, forwarded?: string): string {
  const { trustedProxies: items } = loadConfig({ BOARDCAST_TRUSTED_PROXIES: list })
  const incoming = { socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } }
  return trustedProxies(items).clientOf(incoming as unknown as IncomingMessage)
}

describe('X-Forwarded-For', () => {
  it.each([
    ['from anybody is ignored', '', '9.9.9.9', '1.1.1.1', '9.9.9.9'],
    ['from another than the proxy is ignored', '10.0.0.1', '9.9.9.9', '1.1.1.1', '9.9.9.9'],
    ['from the proxy counts', '10.0.0.1', '10.0.0.1', '1.1.1.1', '1.1.1.1'],
    ['that a client sent to the proxy does not', '10.0.0.1', '10.0.0.1', '6.6.6.6, 1.1.1.1', '1.1.1.1'],
    ['of two proxies in a row', '10.0.0.0/8', '10.0.0.1', '6.6.6.6, 1.1.1.1, 10.9.9.9', '1.1.1.1'],
    ['with a port', '10.0.0.1', '10.0.0.1', '1.1.1.1:4711', '1.1.1.1'],
    ['of proxies alone', '10.0.0.0/8', '10.0.0.1', '10.0.0.2', '10.0.0.2'],
    ['that is missing', '10.0.0.1', '10.0.0.1', undefined, '10.0.0.1'],
    ['that is empty', '10.0.0.1', '10.0.0.1', '', '10.0.0.1'],
    ['that cannot be read', '10.0.0.1', '10.0.0.1', '1.1.1.1, unknown', '10.0.0.1'],
    ['on a socket for both families', '10.0.0.1', '::ffff:10.0.0.1', '1.1.1.1', '1.1.1.1'],
    ['over IPv6', 'fd00::/8', 'fd00::7', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['over IPv6, in brackets', 'fd00::/8', 'fd00::7', '[2001:db8:1:2::6]:80', '2001:db8:1:2::/64'],
    ['over a Unix socket', 'unix', undefined, '1.1.1.1', '1.1.1.1'],
    ['over a Unix socket that is not listed', '10.0.0.1', undefined, '1.1.1.1', ''],
  ])('[HA13] %s', (_, list, remote, forwarded, client) => {
    expect(clientOf(list, remote, forwarded)).toBe(client)
  })
})

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::1', '0:0:0:0::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:0DB8:0:0:ffff::', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['1:2:3:4:5:6:7:8', '1:2:3:4::/64'],
])('[HA13] %s counts as %s', (address, group) => {
  expect(groupOf(address)).toBe(group)
})

describe('BOARDCAST_TRUSTED_PROXIES', () => {
  it('[HA13] takes addresses, networks and unix', () => {
    const { trustedProxies: items } = loadConfig({
      BOARDCAST_TRUSTED_PROXIES: ' 10.0.0.1,10.0.0.0/8, [::1],fd00::/8,unix,::ffff:1.2.3.4',
    })
    expect(items).toEqual(['10.0.0.1', '10.0.0.0/8', '::1', 'fd00::/8', 'unix', '1.2.3.4'])
  })

  it.each(['*', 'proxy.example', '10.0.0.1:80', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', 'fe80::1%eth0', '::/129'])(
    '[HA13] refuses %s by name',
    (item) => {
      expect(() => loadConfig({ BOARDCAST_TRUSTED_PROXIES: item })).toThrow(/BOARDCAST_TRUSTED_PROXIES lists /)
    },
  )
})

describe('BOARDCAST_RATE_MUTATIONS and BOARDCAST_RATE_BURST', () => {
  it('[HA10] take numbers, and off', () => {
    expect(loadConfig({})).toMatchObject({ rateMutations: 100, rateBurst: 200 })
    expect(loadConfig({ BOARDCAST_RATE_MUTATIONS: '0.5', BOARDCAST_RATE_BURST: '7' })).toMatchObject({
      rateMutations: 0.5,
      rateBurst: 7,
    })
    expect(loadConfig({ BOARDCAST_RATE_MUTATIONS: 'off' }).rateMutations).toBe(Infinity)
  })

  it.each(['0', '-1', ' ', 'x', '1e10'])('[HA10] refuse %j', (text) => {
    expect(() => loadConfig({ BOARDCAST_RATE_MUTATIONS: text })).toThrow(/BOARDCAST_RATE_MUTATIONS must be/)
    expect(() => loadConfig({ BOARDCAST_RATE_BURST: text })).toThrow(/BOARDCAST_RATE_BURST must be/)
  })

  it('[HA10] a burst is a whole number', () => {
    expect(() => loadConfig({ BOARDCAST_RATE_BURST: '1.5' })).toThrow(/BOARDCAST_RATE_BURST must be a whole number$/)
    expect(() => loadConfig({ BOARDCAST_RATE_BURST: '0' })).toThrow(/BOARDCAST_RATE_BURST must be at least 1$/)
  })
})
