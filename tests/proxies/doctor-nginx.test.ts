import { BAD_NGINX } from './bad-nginx.ts'
import { describeBadProxy } from './bad-proxy-suite.ts'

describeBadProxy(BAD_NGINX)
