import type { ServerAddress } from './connect-string.ts';

/** What a link tells; nothing after `closed`. */
export interface LinkEvents {
  /** The server can be written to; with TLS it is who it should be. */
  opened(): void;
  received(chunk: Buffer): void;
  /** Also where it could not be opened. @param reason for people */
  closed(reason: string): void;
}

/** A stream of bytes to one server: TCP, TLS, or a test's own. */
export interface Link {
  /** Takes the bytes over, in order, without a bound of its own. */
  write(bytes: Buffer): void;
  /** Ends it at once. `closed` is not told. */
  destroy(): void;
}

/** Begins to open a link. No event comes before this has returned. */
export type OpenLink = (server: ServerAddress, events: LinkEvents) => Link;
