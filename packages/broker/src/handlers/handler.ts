import type { ApiCodec } from '@odradek/protocol/api-codec.ts';
import type { BrokerServices } from '../broker-services.ts';

/** The connection of a request, for handlers that care. */
export interface ConnectionInfo {
  readonly connectionId: string;
  readonly clientHost: string;
  readonly listenerName: string;
  /** Client software as told by ApiVersions v3+, if it was. */
  clientSoftware: { readonly name: string; readonly version: string } | null;
  /** Calls back when the connection is gone; the returned function takes that back. */
  onClose(callback: () => void): () => void;
}

/** What a handler may know about a request beside its body. */
export interface RequestContext {
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
  /** Identity of the connection, unique within the process. */
  readonly connectionId: string;
  /** Address of the peer, without the port. */
  readonly clientHost: string;
  /** The listener that the request came in by; answers name addresses of the same listener. */
  readonly listenerName: string;
  readonly connection: ConnectionInfo;
  /** The broker's parts. */
  readonly broker: BrokerServices;
}

/** The connection must be cut, as Kafka does where an answer cannot carry the error. */
export const CLOSE_CONNECTION: unique symbol = Symbol('close connection');

/** The response; or `null` when nothing may be answered (acks=0); or the order to cut the connection. */
export type HandlerResult<ResponseInput> = ResponseInput | null | typeof CLOSE_CONNECTION;

/** What a handler makes of a request. */
export type Handled<ResponseInput> = HandlerResult<ResponseInput> | InSteps<ResponseInput>;

/**
 * An answer that takes long to make, of a request that may concern all partitions of a cluster: in steps of less than a
 * few milliseconds, so that others have their turn in between. What is known of the cluster may change between two steps.
 */
export class InSteps<ResponseInput> {
  readonly steps: Generator<void, ResponseInput>;
  /** It is an order of the controller: one is done after the other, in the order in which they came. */
  readonly isOrder: boolean;

  constructor(steps: Generator<void, ResponseInput>, isOrder: boolean) {
    this.steps = steps;
    this.isOrder = isOrder;
  }

  /** Takes all steps at once. */
  finish(): ResponseInput {
    for (;;) {
      const { done, value } = this.steps.next();
      if (done === true) return value;
    }
  }
}

/**
 * One API. `handlers/index.ts` lists all of them, and what ApiVersions advertises is derived from that list.
 * An answer that can be given at once is returned as it is, one that must wait as a promise, one that is long as steps.
 */
export interface Handler<Request, ResponseInput> {
  readonly api: ApiCodec<Request, never, unknown, ResponseInput>;
  /** Versions served, both inclusive; within those of the codec. */
  readonly versionMin: number;
  readonly versionMax: number;
  handle(request: Request, context: RequestContext): Handled<ResponseInput> | Promise<Handled<ResponseInput>>;
  /** The answer when handling failed as a whole with `errorCode`: every item of the request carries the code. */
  failed(request: Request, errorCode: number, context: RequestContext): HandlerResult<ResponseInput>;
}
