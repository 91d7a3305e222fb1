"""Prints a stream as it comes."""
import http.client
import sys
import urllib.parse
import zlib

url = urllib.parse.urlsplit(sys.argv[1])
connection = http.client.HTTPConnection(url.netloc)
connection.request('GET', f'{url.path}?{url.query}', headers={'Accept-Encoding': 'gzip'})
answer = connection.getresponse()
assert answer.getheader('Content-Encoding') == 'gzip'
decoder = zlib.decompressobj(wbits=31)
while block := answer.read1(65536):
    sys.stdout.buffer.write(decoder.decompress(block))
    sys.stdout.flush()
