# What ewsprobe batch does, by exchangelib: FindFolder on the inbox of one
# impersonated mailbox after the other, in as many threads as connections. Prints
# how long it took, without the start of Python. The server is the stand-in on
# loopback, with a certificate of its own: it is not looked at.
import concurrent.futures
import sys
import time

import urllib3
from exchangelib import BASIC, IMPERSONATION, NTLM, Account, Build, Configuration, Credentials, Version
from exchangelib.folders import Inbox, Root
from exchangelib.protocol import BaseProtocol, NoVerifyHTTPAdapter
from exchangelib.services import FindFolder

url, user, password, scheme, rows, threads = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]), int(sys.argv[6])
urllib3.disable_warnings()
BaseProtocol.HTTP_ADAPTER_CLS = NoVerifyHTTPAdapter
config = Configuration(
    service_endpoint=url, credentials=Credentials(user, password), auth_type={"ntlm": NTLM, "basic": BASIC}[scheme],
    version=Version(Build(15, 2, 1544, 11)), max_connections=threads,
)


def ask(i):
    account = Account(f"box{i}@contoso.com", config=config, autodiscover=False, access_type=IMPERSONATION)
    inbox = Inbox(root=Root(account=account), is_distinguished=True)
    return len(list(FindFolder(account=account).call(
        folders=[inbox], additional_fields=[], restriction=None, shape="IdOnly", depth="Shallow", max_items=1, offset=0,
    )))


with concurrent.futures.ThreadPoolExecutor(threads) as pool:
    began = time.monotonic()
    answered = sum(pool.map(ask, range(1, rows + 1)))
    took = time.monotonic() - began
if answered != rows:
    sys.exit(f"{answered} of {rows} mailboxes were answered")
print(took)
