/** A shell command with a button that copies it. */
import { urlOf } from './address.ts'
import { announce } from './announce.ts'
import { element } from './element.ts'
import { hasRights } from './session.ts'

const COPIED_MS = 2_000

export interface Command {
  readonly node: HTMLElement
  set: (purpose: string, text: string) => void
}

export function command(purpose: string, text: string): Command {
  const label = element('p', { class: 'command-label' })
  const code = element('code', { class: 'command-text', translate: 'no' })
  const button = element('button', { type: 'button', class: 'copy' }, 'Copy')
  let restore = 0

  button.addEventListener('click', () => void copy())
  set(purpose, text)
  return { node: element('div', { class: 'command' }, label, code, button), set }

  function set(newPurpose: string, newText: string): void {
    label.textContent = newPurpose
    code.textContent = newText
    button.setAttribute('aria-label', `Copy: ${newPurpose}`)
  }

  async function copy(): Promise<void> {
    const copied = await write(code.textContent ?? '')
    // Without a clipboard (plain http on another host) the text is selected, so that one key copies it.
    if (!copied) getSelection()?.selectAllChildren(code)
    button.textContent = copied ? 'Copied' : 'Selected'
    announce(copied ? 'Copied' : 'The command is selected. Copy it with the keyboard.')
    clearTimeout(restore)
    restore = setTimeout(() => {
      button.textContent = 'Copy'
    }, COPIED_MS)
  }
}

async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}

/** Not the token itself, which would stay on the screen and in the history of a shell. */
const credentials = hasRights ? ' -H "Authorization: Bearer $BOARDCAST_TOKEN"' : ''

/** The body is put into single quotes as it is: callers pass constants and ids, which contain no quotes. */
export function curlPost(path: string, body: object): string {
  return `curl${credentials} --json '${JSON.stringify(body)}' ${urlOf(path)}`
}

export function curlStream(path: string): string {
  return `curl -N${credentials} '${urlOf(path)}'`
}
