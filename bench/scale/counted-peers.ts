import type { PeerLink, Peers } from '@odradek/core/ports/peers.ts';
import { leaderAndIsrApi } from '@odradek/protocol/generated/apis/leader-and-isr.ts';
import { updateMetadataApi } from '@odradek/protocol/generated/apis/update-metadata.ts';
import { Writer } from '@odradek/protocol/primitives/writer.ts';

/** What the controller sends to the other brokers. */
export interface FanOut {
  requests: number;
  leadershipBytes: number;
  metadataBytes: number;
  /** Encoded and not answered yet, at its highest: what the controller holds in memory. */
  unansweredBytesMax: number;
  /** The last UpdateMetadata, whole. */
  lastMetadata: Buffer | null;
}

export function noFanOut(): FanOut {
  return { requests: 0, leadershipBytes: 0, metadataBytes: 0, unansweredBytesMax: 0, lastMetadata: null };
}

/** Of the controller's one network card: 1 Gbit/s. */
export const WIRE_BYTES_PER_SECOND = 125e6;

/**
 * Brokers that take what the controller sends, in the newest version, and answer once it has gone over the wire, which
 * all share: until then it is in memory.
 */
export function countedPeers(fanOut: () => FanOut): Peers {
  let unanswered = 0;
  let wireFreeMs = 0;
  const link = (): PeerLink => ({
    request(request, done) {
      const { api, build } = request;
      const version = api.versionMax;
      queueMicrotask(() => {
        const writer = new Writer();
        api.writeRequest(writer, build(version), version);
        const frame = writer.toBuffer();
        const counts = fanOut();
        counts.requests++;
        if (api.key === leaderAndIsrApi.key) counts.leadershipBytes += frame.length;
        if (api.key === updateMetadataApi.key) {
          counts.metadataBytes += frame.length;
          counts.lastMetadata = frame;
        }
        unanswered += frame.length;
        counts.unansweredBytesMax = Math.max(counts.unansweredBytesMax, unanswered);
        const now = performance.now();
        wireFreeMs = Math.max(now, wireFreeMs) + (1000 * frame.length) / WIRE_BYTES_PER_SECOND;
        setTimeout(() => {
          unanswered -= frame.length;
          // No broker refuses anything.
          const body = { errorCode: 0, partitionErrors: [], topics: [] };
          done(null, { version, body: body as never });
        }, wireFreeMs - now);
      });
    },
    close() {},
  });
  return { link };
}
