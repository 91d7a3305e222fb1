/** A card of the demo and the work on it. The cards are about a web shop called Harbour. */
export interface Story {
  readonly title: string
  readonly description: string
  readonly type: 'feat' | 'fix' | 'chore' | 'docs' | 'refactor' | 'perf' | 'test' | 'build' | 'ci'
  readonly priority: 'low' | 'medium' | 'high' | 'critical'
  readonly labels: readonly [string, ...string[]]
  /** Titles of the cards that it depends on. */
  readonly after?: readonly string[]
  /** Files that are read and changed, the most important first. */
  readonly files: readonly [string, ...string[]]
  readonly todos: readonly [string, ...string[]]
  /** The commit's subject, without type and scope. */
  readonly subject: string
}

/** The first cards on the board. */
export const firstStories: readonly Story[] = [
  {
    title: 'Checkout charges twice when the payment provider times out',
    description: 'Seen three times this week. The retry after a time-out does not send the same idempotency key.',
    type: 'fix',
    priority: 'critical',
    labels: ['payments', 'customer-report'],
    files: ['src/payments/charge.ts', 'src/payments/charge.test.ts', 'src/payments/provider.ts'],
    todos: [
      'Reproduce with a provider that answers late',
      'Keep one key per order',
      'Test the retry',
      'Note it in the runbook',
    ],
    subject: 'send the same idempotency key on every retry',
  },
  {
    title: 'Stream order exports instead of building them in memory',
    description:
      'The monthly export of the largest shop needs 1.4 GB. It should need a few megabytes, whatever the shop.',
    type: 'perf',
    priority: 'high',
    labels: ['exports'],
    files: ['src/exports/orders-csv.ts', 'src/exports/orders-csv.test.ts'],
    todos: ['Measure the memory of today', 'Read orders with a cursor', 'Write rows as they come', 'Measure again'],
    subject: 'stream rows from a cursor',
  },
  {
    title: 'Sign in with a passkey',
    description: 'Offer a passkey after a sign-in with a password, and accept it the next time.',
    type: 'feat',
    priority: 'high',
    labels: ['auth'],
    files: ['src/auth/passkey.ts', 'src/auth/passkey.test.ts', 'src/auth/routes.ts', 'web/sign-in.tsx'],
    todos: [
      'Registration challenge',
      'Verify the assertion',
      'Offer it after sign-in',
      'Tests with recorded authenticators',
    ],
    subject: 'register and accept passkeys',
  },
  {
    title: 'Let people see and revoke their passkeys',
    description: 'A list in the account page: name, last use, revoke.',
    type: 'feat',
    priority: 'medium',
    labels: ['auth', 'account'],
    after: ['Sign in with a passkey'],
    files: ['web/account/passkeys.tsx', 'src/auth/routes.ts', 'src/auth/routes.test.ts'],
    todos: ['Route that lists them', 'Route that revokes one', 'Account page', 'Confirm before the last one goes'],
    subject: 'list and revoke passkeys in the account page',
  },
  {
    title: 'Flaky test: basket total is off by one cent',
    description: 'Fails about once in forty runs. Suspected: rounding each line before the discount.',
    type: 'test',
    priority: 'medium',
    labels: ['basket'],
    files: ['src/basket/total.test.ts', 'src/basket/total.ts'],
    todos: ['Run it 500 times with printed seeds', 'Keep the failing seed as a test', 'Round once, at the end'],
    subject: 'keep the seed that was off by one cent',
  },
  {
    title: 'Move the price rules into a module of their own',
    description: 'Basket, invoices and exports each carry a copy. One module, three callers.',
    type: 'refactor',
    priority: 'medium',
    labels: ['pricing'],
    files: ['src/pricing/rules.ts', 'src/pricing/rules.test.ts', 'src/basket/total.ts', 'src/invoices/lines.ts'],
    todos: [
      'Pin today’s results with tests',
      'Move the rules',
      'Switch the basket over',
      'Switch invoices over',
      'Delete the copies',
    ],
    subject: 'one module for the rules, three callers',
  },
  {
    title: 'Discount codes that add up',
    description: 'Two codes in one basket: the cheaper order of applying them wins, never below zero.',
    type: 'feat',
    priority: 'medium',
    labels: ['pricing', 'basket'],
    after: ['Move the price rules into a module of their own'],
    files: ['src/pricing/discounts.ts', 'src/pricing/discounts.test.ts', 'web/basket.tsx'],
    todos: ['Rules for pairs of codes', 'Property test: never below zero', 'Show each code in the basket'],
    subject: 'combine discount codes, never below zero',
  },
  {
    title: 'Describe when and how webhooks are retried',
    description: 'Support is asked about it twice a week. A table and one example are enough.',
    type: 'docs',
    priority: 'low',
    labels: ['webhooks'],
    files: ['docs/webhooks.md', 'src/webhooks/retry.ts'],
    todos: ['Read the schedule from the code', 'Write the table', 'Example with curl'],
    subject: 'the schedule of retries, with an example',
  },
  {
    title: 'Install dependencies once per CI run',
    description: 'Five jobs install the same tree. 4 minutes of 11 are npm.',
    type: 'ci',
    priority: 'low',
    labels: ['build'],
    files: ['.github/workflows/test.yml'],
    todos: ['Measure the jobs of today', 'Cache by lockfile', 'Fan out after the install'],
    subject: 'install once, then fan out',
  },
  {
    title: 'Show the delivery estimate on the product page',
    description: 'It is known by postcode and stock; today it only appears at checkout.',
    type: 'feat',
    priority: 'high',
    labels: ['storefront', 'delivery'],
    files: ['web/product.tsx', 'src/delivery/estimate.ts', 'src/delivery/estimate.test.ts'],
    todos: ['Estimate without a basket', 'Ask for the postcode once', 'Skeleton while it loads'],
    subject: 'show the estimate next to the price',
  },
]

/** Cards that are added later, again and again. */
export const laterStories: readonly [Story, ...Story[]] = [
  {
    title: 'Search forgets the filters on back navigation',
    description: 'The filters live in memory only. They belong in the address.',
    type: 'fix',
    priority: 'high',
    labels: ['search'],
    files: ['web/search/filters.ts', 'web/search/filters.test.ts'],
    todos: ['Write filters to the query string', 'Read them on entry', 'Browser test for back and forward'],
    subject: 'keep filters in the address',
  },
  {
    title: 'Product images twice as heavy as needed',
    description: 'Serve AVIF where it is understood, and sizes that fit the grid.',
    type: 'perf',
    priority: 'medium',
    labels: ['images', 'storefront'],
    files: ['src/images/variants.ts', 'src/images/variants.test.ts', 'web/picture.tsx'],
    todos: ['Add AVIF to the variants', 'srcset for the grid', 'Compare the weight of ten pages'],
    subject: 'serve AVIF in sizes that fit',
  },
  {
    title: 'Invoices show the old address after a move',
    description: 'The invoice should keep the address of the day it was made; the next one takes the new one.',
    type: 'fix',
    priority: 'medium',
    labels: ['invoices'],
    files: ['src/invoices/address.ts', 'src/invoices/address.test.ts', 'migrations/041_invoice_address.sql'],
    todos: ['Store the address with the invoice', 'Migration for existing rows', 'Test both sides of a move'],
    subject: 'keep the address of the day with the invoice',
  },
  {
    title: 'Gift cards at checkout',
    description: 'A gift card covers a part or the whole; what is left stays on it.',
    type: 'feat',
    priority: 'medium',
    labels: ['payments', 'gift-cards'],
    files: ['src/gift-cards/redeem.ts', 'src/gift-cards/redeem.test.ts', 'web/checkout.tsx'],
    todos: ['Reserve the amount', 'Redeem on payment', 'Give it back on cancel', 'Field in the checkout'],
    subject: 'redeem gift cards, in part or in full',
  },
  {
    title: 'Delete carts that nobody came back to',
    description: 'Eleven million rows, most of them older than a year.',
    type: 'chore',
    priority: 'low',
    labels: ['basket', 'database'],
    files: ['src/basket/expire.ts', 'src/basket/expire.test.ts'],
    todos: ['Delete in small steps', 'Stop when replication lags', 'Count what was deleted'],
    subject: 'expire carts after 90 days, in small steps',
  },
  {
    title: 'Keyboard trap in the size picker',
    description: 'Tab never leaves the list. Found by the accessibility audit.',
    type: 'fix',
    priority: 'high',
    labels: ['storefront', 'accessibility'],
    files: ['web/size-picker.tsx', 'web/size-picker.test.tsx'],
    todos: ['Roving tabindex', 'Escape closes', 'Test with the keyboard alone'],
    subject: 'let Tab leave the list',
  },
  {
    title: 'Publish the stock feed every minute',
    description: 'Partners read it every minute, we write it every ten.',
    type: 'feat',
    priority: 'low',
    labels: ['stock', 'partners'],
    files: ['src/stock/feed.ts', 'src/stock/feed.test.ts'],
    todos: ['Write only what changed', 'ETag for the rest', 'Alarm when it is late'],
    subject: 'write changes every minute',
  },
  {
    title: 'Build the worker image without the development tree',
    description: '940 MB, of which 700 are never used at run time.',
    type: 'build',
    priority: 'low',
    labels: ['build'],
    files: ['Dockerfile', '.dockerignore'],
    todos: ['Second stage with production dependencies', 'Drop the sources', 'Compare start times'],
    subject: 'leave the development tree out of the image',
  },
]

/** The story for a card, made up for a card that somebody else created. */
export function storyFor(title: string, type: string | null): Story {
  const known = [...firstStories, ...laterStories].find((story) => story.title === title)
  if (known !== undefined) return known
  const topic = slug(title).split('-').slice(0, 2).join('-') || 'topic'
  return {
    title,
    description: '',
    type: [...firstStories, ...laterStories].find((story) => story.type === type)?.type ?? 'feat',
    priority: 'medium',
    labels: [topic],
    files: [`src/${topic}/index.ts`, `src/${topic}/index.test.ts`],
    todos: ['Understand what is asked', 'Make the change', 'Test it', 'Describe it'],
    subject: title.charAt(0).toLowerCase() + title.slice(1),
  }
}

/** A title as part of a branch name. */
export function slug(text: string): string {
  const words =
    text
      .toLowerCase()
      .normalize('NFKD')
      .match(/[a-z0-9]+/g) ?? []
  return words.slice(0, 5).join('-')
}
