import { BAD_LIGHTTPD } from './bad-lighttpd.ts'
import { describeBadProxy } from './bad-proxy-suite.ts'

describeBadProxy(BAD_LIGHTTPD)
