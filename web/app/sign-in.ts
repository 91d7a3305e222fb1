/**
 * The dialog that asks for a token. When the server has answered 401 it cannot be closed, because there is nothing behind
 * it.
 */
import { checkToken, Refusal } from './api.ts'
import { element } from './element.ts'
import { currentToken } from './session.ts'

const FIRST = 'This server asks for a token. Paste yours: it is kept for this tab only.'
const AGAIN = 'Your token has expired, or is not accepted any more. Sign in again to go on where you were.'

const INSTEAD = 'Paste a token that may see this. It replaces the one before it, and is kept for this tab only.'
/** People copy what stands in front of it, too. A token has no space. */
const SCHEME = /^Bearer\s+/i
const NO_TOKEN = /[^\x21-\x7e]/

/** Resolves when the server has accepted a token: to true, or to false if the dialog was cancelled. */
export function signIn({ canCancel = false } = {}): Promise<boolean> {
  const token = element('input', {
    id: 'sign-in-token',
    class: 'token',
    name: 'token',
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
    autofocus: true,
    'aria-describedby': 'sign-in-error',
  })
  const submit = element('button', { type: 'submit', class: 'primary' }, 'Sign in')
  const cancel = element('button', { type: 'button', class: 'quiet' }, 'Cancel')
  const error = element('p', { class: 'error', id: 'sign-in-error', role: 'alert' })
  const form = element(
    'form',
    { class: 'sign-in-form' },
    element('h2', { id: 'sign-in-title' }, 'Sign in'),
    element('p', { id: 'sign-in-why' }, canCancel ? INSTEAD : currentToken() === undefined ? FIRST : AGAIN),
    element('label', { for: 'sign-in-token' }, 'Token'),
    token,
    error,
    element('div', { class: 'sign-in-buttons' }, canCancel ? cancel : undefined, submit),
  )
  const dialog = element(
    'dialog',
    {
      class: 'sign-in',
      'aria-labelledby': 'sign-in-title',
      'aria-describedby': 'sign-in-why',
      closedby: canCancel ? 'closerequest' : 'none',
    },
    form,
  )
  if (!canCancel) {
    dialog.addEventListener('cancel', (event) => event.preventDefault())
    dialog.addEventListener('keydown', (event) => {
      // A second Escape would close it, whatever `cancel` does, where `closedby` is not known.
      if (event.key === 'Escape') event.preventDefault()
    })
  }
  document.body.append(dialog)
  dialog.showModal()

  return new Promise((resolve) => {
    let isChecking = false
    let isAccepted = false
    cancel.addEventListener('click', () => dialog.close())
    dialog.addEventListener('close', () => {
      dialog.remove()
      resolve(isAccepted)
    })
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      if (!isChecking) void check()
    })

    async function check(): Promise<void> {
      const given = token.value.trim().replace(SCHEME, '')
      if (given === '' || NO_TOKEN.test(given)) {
        showProblem(
          given === ''
            ? 'Paste a token first.'
            : 'This is not a token: tokens have no spaces and no letters beyond ASCII.',
        )
        return
      }
      isChecking = true
      submit.setAttribute('aria-disabled', 'true')
      try {
        await checkToken(given)
        isAccepted = true
        dialog.close()
      } catch (refusal) {
        if (!(refusal instanceof Refusal)) throw refusal
        showProblem(
          refusal.status === 401 ? `The server does not accept this token. ${refusal.message}` : refusal.message,
        )
      } finally {
        isChecking = false
        submit.removeAttribute('aria-disabled')
      }
    }

    function showProblem(problem: string): void {
      error.textContent = problem
      token.setAttribute('aria-invalid', 'true')
      token.focus()
      token.select()
    }
  })
}
