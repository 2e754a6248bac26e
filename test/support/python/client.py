"""A legacy client that is not Ruby's: YAML without a document start, ids and clocks of its own, and, as told, a bare payload.

Reads a JSON object from standard input, sends one request, and prints a JSON object for each reply until `expect` have come or
`patience` seconds are over. Signs with the program openssl.
"""
import base64
import json
import re
import socket
import subprocess
import sys
import time

ask = json.load(sys.stdin)
now = int(time.time()) + ask["clock"]
place = "/queue/%s.reply.python_1.%s" % (ask["collective"], ask["queue"])


def indented(text):
    return "".join("  %s\n" % line for line in text.splitlines())


def signed(text):
    command = ["openssl", "dgst", "-sha1", "-sign", ask["key"]]
    raw = subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
    return base64.encodebytes(raw).decode()


if ask["agent"] == "discovery":
    payload = "ping\n"
else:
    payload = ":agent: %s\n:action: %s\n:caller: %s\n:data: {}\n" % (ask["agent"], ask["action"], ask["caller"])
if ask["bare"]:
    body = payload
else:
    inside = " ping\n" if ask["agent"] == "discovery" else "\n" + indented(payload)
    body = ":ssl_msg:%s:ssl_ttl: %d\n:ssl_msgtime: %d\n" % (inside, ask["ttl"], now)

message = "".join([
    ":senderid: 'python: desk 7'\n",
    ":requestid: %s\n" % ask["id"],
    ":callerid: %s\n" % ask["caller"],
    ":collective: %s\n:agent: %s\n" % (ask["collective"], ask["agent"]),
    ":ttl: %d\n:msgtime: %d\n" % (ask["ttl"], now),
    ":filter: {fact: [], cf_class: [], agent: [], identity: [], compound: []}\n",
    ":body: |\n" + indented(body),
    ":hash: |\n" + indented(signed(body)),
])

connection = socket.create_connection(("127.0.0.1", ask["port"]))
connection.settimeout(0.2)


def send(command, headers, text=""):
    lines = [command] + ["%s:%s" % header for header in headers.items()]
    connection.sendall(("\n".join(lines) + "\n\n" + text + "\0").encode())


send("CONNECT", {"login": ask["user"], "passcode": ask["password"]})
send("SUBSCRIBE", {"destination": place, "id": "1"})
send("SEND", {"destination": "/topic/%s.%s.agent" % (ask["collective"], ask["agent"]), "reply-to": place}, message)

received = b""
replies = 0
deadline = time.time() + ask["patience"]
while replies < ask["expect"] and time.time() < deadline:
    try:
        received += connection.recv(65536)
    except socket.timeout:
        continue
    while b"\0" in received:
        frame, received = received.split(b"\0", 1)
        text = frame.decode(errors="replace")
        if not text.lstrip().startswith("MESSAGE"):
            continue
        field = lambda name: re.search(r"^:%s: (.*)$" % name, text, re.M).group(1)
        print(json.dumps({"sender": field("senderid"), "id": field("requestid"), "text": text}))
        replies += 1
