/** Says a short sentence to assistive technology, for results that are otherwise only seen. */
export function announce(sentence: string): void {
  const region = document.getElementById('announcement')
  if (region) region.textContent = sentence
}
