import { BAD_CADDY } from './bad-caddy.ts'
import { describeBadProxy } from './bad-proxy-suite.ts'

describeBadProxy(BAD_CADDY)
