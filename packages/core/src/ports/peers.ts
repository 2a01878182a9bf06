import type { ApiCodec } from '@odradek/protocol/api-codec.ts';

/** An answer and the version that both sides agreed on. */
export interface PeerAnswer<Response> {
  readonly version: number;
  readonly body: Response;
}

export interface PeerRequest<RequestInput, Response> {
  readonly api: ApiCodec<unknown, RequestInput, Response, never>;
  /** Makes the request once the version is known; what it throws fails the request. */
  readonly build: (version: number) => RequestInput;
  /** Use no version above this one. */
  readonly versionMax?: number;
  /** How long to wait for connection and answer together, milliseconds. */
  readonly timeoutMs: number;
}

/** Called once: with the error, or with null and the answer. Answers that hold an error code are no errors here. */
export type PeerDone<Response> = (
  ...result: [error: Error, answer: null] | [error: null, answer: PeerAnswer<Response>]
) => void;

/** A way to one other broker: requests go and are answered in their order. It connects when it has to. */
export interface PeerLink {
  /**
   * `done` is never called within the call. Once a request failed for want of a connection or of an answer, those
   * under way behind it fail as well.
   */
  request<RequestInput, Response>(
    request: PeerRequest<RequestInput, Response>,
    done: PeerDone<Response>,
  ): void;
  /** Fails what is under way and connects no more. */
  close(): void;
}

/** The other brokers of the cluster. */
export interface Peers {
  /** @param purpose names the link in logs; each call makes a link of its own */
  link(brokerId: number, purpose: string): PeerLink;
}
