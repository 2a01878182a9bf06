import { backoffMs, delay, type BackoffOptions } from '@odradek/client/cluster/backoff.ts';
import { Connection } from '@odradek/client/network/connection.ts';
import type { ClientEnvironment } from '@odradek/client/ports/environment.ts';
import type { Address, ClientSocket } from '@odradek/client/ports/sockets.ts';
import type { PeerAnswer, PeerDone, PeerLink, PeerRequest, Peers } from '@odradek/core/ports/peers.ts';

export interface PeerLinksParts {
  readonly nodeId: number;
  readonly environment: ClientEnvironment;
  /** Where a broker takes requests of other brokers; null when it is not known to be alive. */
  addressOf(brokerId: number): Address | null;
  /** `socket.connection.setup.timeout.ms`: the first limit, doubled with each failure. */
  readonly setupTimeoutMs: number;
  /** `socket.connection.setup.timeout.max.ms` */
  readonly setupTimeoutMaxMs: number;
  /** An answer that announces more bytes ends the connection. */
  readonly frameSizeMaxBytes: number;
}

const RECONNECT_BACKOFF: BackoffOptions = { initialMs: 50, maxMs: 1_000 };

/** The ways to other brokers over TCP. */
export class PeerLinks implements Peers {
  private readonly parts: PeerLinksParts;
  private readonly links = new Set<TcpPeerLink>();
  private isClosed = false;

  constructor(parts: PeerLinksParts) {
    this.parts = parts;
  }

  link(brokerId: number, purpose: string): PeerLink {
    const link = new TcpPeerLink(this.parts, brokerId, purpose, () => this.links.delete(link));
    if (this.isClosed) link.close();
    else this.links.add(link);
    return link;
  }

  /** Closes all links, whoever made them; those made later are closed from the start. */
  close(): void {
    this.isClosed = true;
    for (const link of this.links) link.close();
  }
}

/**
 * One connection to one broker at a time, opened when there is something to send and opened anew after it was lost,
 * with growing pauses. Requests are pipelined; an answer that does not come in time ends the connection.
 */
class TcpPeerLink implements PeerLink {
  private readonly parts: PeerLinksParts;
  private readonly environment: ClientEnvironment;
  private readonly brokerId: number;
  private readonly clientId: string;
  private readonly onClose: () => void;
  /** The latest one; it may be still connecting. */
  private socket: ClientSocket | null = null;
  private connection: Connection | null = null;
  private opening: Promise<Connection> | null = null;
  /** Connections in a row that could not be made. */
  private failures = 0;
  private notBeforeMs = 0;
  private isClosed = false;

  constructor(parts: PeerLinksParts, brokerId: number, purpose: string, onClose: () => void) {
    this.parts = parts;
    this.brokerId = brokerId;
    this.clientId = `broker-${parts.nodeId}-${purpose}`;
    this.onClose = onClose;
    const { sockets } = parts.environment;
    const connect: typeof sockets.connect = (...target) => {
      this.socket = sockets.connect(...target);
      if (this.isClosed) this.socket.destroy();
      return this.socket;
    };
    this.environment = { ...parts.environment, sockets: { connect } };
  }

  request<RequestInput, Response>(
    request: PeerRequest<RequestInput, Response>,
    done: PeerDone<Response>,
  ): void {
    void this.exchange(request).then(
      (answer) => done(null, answer),
      (error: Error) => done(error, null),
    );
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.connection?.close(new Error('the link was closed'));
    this.socket?.destroy();
    this.onClose();
  }

  private async exchange<RequestInput, Response>(
    request: PeerRequest<RequestInput, Response>,
  ): Promise<PeerAnswer<Response>> {
    const { clock } = this.environment;
    const { api, build, versionMax, timeoutMs } = request;
    const deadlineMs = clock.monotonic() + timeoutMs;
    // Also where the connection stands: requests leave in the order in which they were made.
    this.opening ??= this.usable(timeoutMs).finally(() => {
      this.opening = null;
    });
    const connection = await this.opening;
    return connection.request(api, build, {
      timeoutMs: Math.max(1, deadlineMs - clock.monotonic()),
      ...(versionMax === undefined ? {} : { versionMax }),
    });
  }

  private async usable(timeoutMs: number): Promise<Connection> {
    if (this.connection?.isOpen) return this.connection;
    const { environment } = this;
    const { setupTimeoutMs, setupTimeoutMaxMs, frameSizeMaxBytes } = this.parts;
    const { clock } = environment;
    const pauseMs = this.notBeforeMs - clock.monotonic();
    if (pauseMs > 0) await delay(environment, pauseMs);
    try {
      const connection = await Connection.open(environment, this.address(), {
        clientId: this.clientId,
        setupTimeoutMs: Math.min(setupTimeoutMs * 2 ** this.failures, setupTimeoutMaxMs, timeoutMs),
        frameSizeMaxBytes,
      });
      if (this.isClosed) connection.close(new Error('the link was closed'));
      this.connection = connection;
      this.failures = 0;
      return connection;
    } catch (error) {
      this.failures += 1;
      const backoff = backoffMs(RECONNECT_BACKOFF, this.failures, environment.random);
      this.notBeforeMs = clock.monotonic() + backoff;
      throw error;
    }
  }

  private address(): Address {
    if (this.isClosed) throw new Error('the link was closed');
    const address = this.parts.addressOf(this.brokerId);
    if (address !== null) return address;
    throw new Error(`broker ${this.brokerId} is not known to be alive, or has no listener for other brokers`);
  }
}
