import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** What the runtime has below a socket; not part of its documented interface. */
interface Handle {
  readonly fd?: number;
}

/**
 * The descriptor of a connection that goes out as it is; null when it is encrypted, closed, or when the runtime does not
 * say. Good until the end of the turn: a closed descriptor's number is given to somebody else.
 */
export function descriptorOf(socket: Socket): number | null {
  if (socket instanceof TLSSocket || socket.destroyed) return null;
  const { _handle: handle } = socket as unknown as { readonly _handle?: Handle | null };
  const descriptor = handle?.fd ?? -1;
  return descriptor >= 0 ? descriptor : null;
}
