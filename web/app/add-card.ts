/** A form with a title, and the server's refusal if there is one. The new card shows when its event comes. */
import { MAX_TITLE_LENGTH } from '../../shared/src/protocol.ts'
import { announce } from './announce.ts'
import { createCard, Refusal } from './api.ts'
import { element } from './element.ts'

export function addCardForm(boardId: string): HTMLElement {
  const title = element('input', {
    id: 'card-title',
    name: 'title',
    required: true,
    maxlength: String(MAX_TITLE_LENGTH),
    autocomplete: 'off',
    placeholder: 'What should be done?',
  })
  const submit = element('button', { type: 'submit', class: 'primary' }, 'Add card')
  const error = element('p', { class: 'error', id: 'card-error', role: 'alert' })
  const form = element(
    'form',
    { class: 'add-card' },
    element('label', { for: 'card-title' }, 'Add a card'),
    element('div', { class: 'field' }, title, submit),
    error,
  )
  let isSending = false

  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void send()
  })
  return form

  async function send(): Promise<void> {
    if (isSending) return
    isSending = true
    submit.setAttribute('aria-disabled', 'true')
    try {
      const card = await createCard(boardId, { title: title.value })
      title.value = ''
      showProblem('')
      announce(`Added ${card.ticketKey}`)
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal
      showProblem(refusal.message)
      title.focus()
    } finally {
      isSending = false
      submit.removeAttribute('aria-disabled')
    }
  }

  function showProblem(problem: string): void {
    error.textContent = problem
    if (problem) {
      title.setAttribute('aria-invalid', 'true')
      title.setAttribute('aria-describedby', 'card-error')
    } else {
      title.removeAttribute('aria-invalid')
      title.removeAttribute('aria-describedby')
    }
  }
}
