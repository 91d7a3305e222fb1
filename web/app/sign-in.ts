/** The dialog that asks for a token when the server has answered 401. It cannot be closed: there is nothing behind it. */
import { checkToken, Refusal } from './api.ts'
import { element } from './element.ts'
import { currentToken } from './session.ts'

const FIRST = 'This server asks for a token. Paste yours: it is kept for this tab only.'
const AGAIN = 'Your token has expired, or is not accepted any more. Sign in again to go on where you were.'

/** Resolves when the server has accepted a token. */
export function signIn(): Promise<void> {
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
  const error = element('p', { class: 'error', id: 'sign-in-error', role: 'alert' })
  const form = element(
    'form',
    { class: 'sign-in-form' },
    element('h2', { id: 'sign-in-title' }, 'Sign in'),
    element('p', { id: 'sign-in-why' }, currentToken() === undefined ? FIRST : AGAIN),
    element('label', { for: 'sign-in-token' }, 'Token'),
    token,
    error,
    submit,
  )
  const dialog = element(
    'dialog',
    { class: 'sign-in', 'aria-labelledby': 'sign-in-title', 'aria-describedby': 'sign-in-why', closedby: 'none' },
    form,
  )
  dialog.addEventListener('cancel', (event) => event.preventDefault())
  dialog.addEventListener('keydown', (event) => {
    // A second Escape would close it, whatever `cancel` does, where `closedby` is not known.
    if (event.key === 'Escape') event.preventDefault()
  })
  document.body.append(dialog)
  dialog.showModal()

  return new Promise((resolve) => {
    let isChecking = false
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      if (!isChecking) void check()
    })

    async function check(): Promise<void> {
      const given = token.value.trim()
      if (given === '') {
        showProblem('Paste a token first.')
        return
      }
      isChecking = true
      submit.setAttribute('aria-disabled', 'true')
      try {
        await checkToken(given)
        dialog.close()
        dialog.remove()
        resolve()
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
