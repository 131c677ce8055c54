"""Clients that keep their connections and count every request that goes wrong.

No request is ever repeated: what a server loses shows. A connection is only given up where the
server has said `Connection: close`.
"""
import socket
import threading

REQUEST = b"GET %s HTTP/1.1\r\nHost: weft\r\n\r\n"


class Client(threading.Thread):
    def __init__(self, address, target, is_over):
        super().__init__()
        self.address = address
        self.request = REQUEST % target.encode()
        self.is_over = is_over
        self.n_answered = 0
        self.n_connections = 0
        self.refused = []
        self.failed = []

    def run(self):
        while not self.is_over.is_set():
            try:
                connection = socket.create_connection(self.address, timeout=30)
            except OSError as error:
                self.refused.append(error)
                continue
            with connection:
                self.n_connections += 1
                try:
                    self.use(connection)
                except (OSError, EOFError, ValueError) as error:
                    self.failed.append(error)

    def use(self, connection):
        """Request after request, until it is over or the server says so."""
        with connection.makefile("rb") as answers:
            while not self.is_over.is_set():
                connection.sendall(self.request)
                if not self.read_answer(answers):
                    return

    def read_answer(self, answers):
        status = answers.readline()
        if not status:
            raise EOFError("the connection ended under a request")
        if b" 200 " not in status:
            raise ValueError(status)
        length, keeps = 0, True
        for line in iter(answers.readline, b"\r\n"):
            if not line:
                raise EOFError("the answer ended in its head")
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            elif name.lower() == b"connection" and value.strip().lower() == b"close":
                keeps = False
        if len(answers.read(length)) != length:
            raise EOFError("the answer ended in its body")
        self.n_answered += 1
        return keeps


class Load:
    """N such clients at once; what they met can be read once the block is left."""

    def __init__(self, address, target="/plaintext", n=8):
        self.is_over = threading.Event()
        self.clients = [Client(address, target, self.is_over) for _ in range(n)]

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for client in self.clients:
            client.join()

    @property
    def n_answered(self):
        return sum(client.n_answered for client in self.clients)

    @property
    def refused(self):
        return [error for client in self.clients for error in client.refused]

    @property
    def failed(self):
        return [error for client in self.clients for error in client.failed]
