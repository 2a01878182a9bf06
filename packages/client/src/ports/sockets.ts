import type { TlsOptions } from '../network/tls-options.ts';

/** Where a broker listens. */
export interface Address {
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** What a stream socket tells its owner. After `closed` nothing more comes. */
export interface SocketEvents {
  connected(): void;
  /** Bytes that arrived, in order. They may change once this has returned, unless they lie in what `room` gave. */
  received(bytes: Buffer): void;
  /**
   * Where the next bytes should best be put, so that nobody has to copy them; null for anywhere. Sockets that cannot
   * choose do not ask.
   */
  room?(): Buffer | null;
  /** Comes once, whoever ended it. @param error why, or null when either side closed in good order */
  closed(error: Error | null): void;
}

/** One stream connection to a broker. */
export interface ClientSocket {
  /** Sends the buffers in order. They must not change until the bytes have left. */
  write(buffers: readonly Buffer[]): void;
  /** Drops the connection now; `closed` follows unless it came already. */
  destroy(): void;
}

/** Opens stream connections. Adapters: TCP, or simulated links. */
export interface Sockets {
  /**
   * Starts to connect; names are resolved anew on every call. Events never come before this has returned.
   *
   * @param tls nothing or null for a connection in the clear; else `connected` comes once the certificate is found good
   */
  connect(address: Address, events: SocketEvents, tls?: TlsOptions | null): ClientSocket;
}
