// Why an address could not be listened on, in words for whoever configured it.

/** Wraps a bind error of Node; the original is the cause. */
export function listenError(host: string, port: number, cause: NodeJS.ErrnoException): Error {
  return new Error(`Cannot listen on ${host} port ${port}: ${reasonOf(cause)}`, { cause });
}

function reasonOf(cause: NodeJS.ErrnoException): string {
  switch (cause.code) {
    case 'EADDRINUSE':
      return 'another program has the port (EADDRINUSE)';
    case 'EADDRNOTAVAIL':
      return 'this machine does not have the address (EADDRNOTAVAIL)';
    case 'EACCES':
      return 'the port needs more rights than this process has (EACCES)';
    case 'ENOTFOUND':
      return 'the host name is unknown (ENOTFOUND)';
    default:
      return cause.message;
  }
}
