/** Announces a short sentence to assistive technology, for results that otherwise only show. */
export function announce(sentence: string): void {
  const region = document.getElementById('announcement')
  if (region) region.textContent = sentence
}
