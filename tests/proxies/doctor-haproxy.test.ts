import { BAD_HAPROXY } from './bad-haproxy.ts'
import { describeBadProxy } from './bad-proxy-suite.ts'

describeBadProxy(BAD_HAPROXY)
