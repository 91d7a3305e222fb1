/** The script of the page: it adds the search, and opens the contents in browsers that cannot do so by style. */
export const SEARCH = `'use strict'
const form = document.querySelector('.search')
const input = document.getElementById('search')
const list = document.getElementById('results')
const status = document.getElementById('found')
const MOST = 40
const entries = [...document.querySelectorAll('article[data-find]')].map((article) => {
  const title = article.querySelector('h4 a').textContent
  return { id: article.id, title, words: article.dataset.find, text: (article.id + ' ' + title + ' ' + article.dataset.find).toLowerCase() }
})

// Names first: what begins with the text, then what has it in its name, then the rest.
function find(text) {
  const words = text.toLowerCase().split(/\\s+/).filter(Boolean)
  if (words.length === 0) return []
  const first = words[0]
  const rank = ({ id, title }) => {
    const name = title.toLowerCase()
    return name === first ? 0 : name.startsWith(first) ? 1 : name.includes(first) || id.toLowerCase().includes(first) ? 2 : 3
  }
  return entries
    .filter((entry) => words.every((word) => entry.text.includes(word)))
    .map((entry) => ({ entry, rank: rank(entry) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ entry }) => entry)
}

function show() {
  const text = input.value.trim()
  const found = find(text)
  list.replaceChildren(...found.slice(0, MOST).map(({ id, title, words }) => {
    const item = document.createElement('li')
    const link = document.createElement('a')
    const name = document.createElement('b')
    const about = document.createElement('span')
    link.href = '#' + id
    name.textContent = title
    about.textContent = (id === title ? '' : id + ' · ') + words
    link.append(name, about)
    item.append(link)
    return item
  }))
  list.hidden = found.length === 0
  status.textContent = text === '' ? '' : found.length === 0 ? 'Nothing found' : found.length + ' found'
  form.classList.toggle('nothing', text !== '' && found.length === 0)
}

function close() {
  list.hidden = true
}

input.addEventListener('input', show)
input.addEventListener('focus', show)
form.addEventListener('submit', (event) => {
  event.preventDefault()
  list.querySelector('a')?.click()
})
list.addEventListener('click', (event) => {
  if (event.target.closest('a')) close()
})
form.addEventListener('keydown', (event) => {
  const links = [...list.querySelectorAll('a')]
  const at = links.indexOf(document.activeElement)
  if (event.key === 'ArrowDown') (links[at + 1] ?? links[at])?.focus()
  else if (event.key === 'ArrowUp') (at > 0 ? links[at - 1] : input).focus()
  else if (event.key === 'Escape' && !list.hidden) {
    input.focus()
    close()
  } else return
  event.preventDefault()
})
form.addEventListener('focusout', (event) => {
  if (!form.contains(event.relatedTarget)) close()
})
document.addEventListener('keydown', (event) => {
  const isTyping = event.target.closest('input, textarea, select, [contenteditable]')
  if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return
  event.preventDefault()
  input.focus()
})
form.hidden = false
// Where there is room the style shows them anyway.
document.querySelector('.contents').open = matchMedia('(min-width: 1024px)').matches
`
