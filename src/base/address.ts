/** Addresses as configuration, clients and people write them. */

/** IPv6 addresses stand in brackets where a port or a path comes behind. */
export function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
}

/** `host:port` */
export function addressOf(host: string, port: number): string {
  return `${bracketed(host)}:${port}`
}
