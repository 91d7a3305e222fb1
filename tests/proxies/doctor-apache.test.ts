import { BAD_APACHE } from './bad-apache.ts'
import { describeBadProxy } from './bad-proxy-suite.ts'

describeBadProxy(BAD_APACHE)
