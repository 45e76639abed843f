# Lists the folders of the account's own mailbox with exchangelib, one path a line:
# URL, user, password and scheme (basic, ntlm) are the arguments. The certificate is
# the stand-in's own and is not looked at.
import sys

import urllib3
from exchangelib import BASIC, DELEGATE, NTLM, Account, Build, Configuration, Credentials, FaultTolerance, Version
from exchangelib.protocol import BaseProtocol, NoVerifyHTTPAdapter

url, user, password, scheme = sys.argv[1:5]
urllib3.disable_warnings()
BaseProtocol.HTTP_ADAPTER_CLS = NoVerifyHTTPAdapter
config = Configuration(
    service_endpoint=url, credentials=Credentials(user, password), auth_type={"ntlm": NTLM, "basic": BASIC}[scheme],
    version=Version(Build(15, 2, 1544, 11)),
)
account = Account(user, config=config, autodiscover=False, access_type=DELEGATE)
for folder in account.msg_folder_root.walk():
    print(folder.absolute)
print(len(list(account.inbox.children)), account.inbox.name)
