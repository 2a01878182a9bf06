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

/**
 * Brokers that take what the controller sends, in the newest version, a turn of the loop after it was encoded: none
 * is faster, so all that is sent at once is in memory at once, as with real sockets.
 */
export function countedPeers(fanOut: () => FanOut): Peers {
  let unanswered = 0;
  const link = (): PeerLink => ({
    request(request, done) {
      const { api, build } = request;
      const version = api.versionMax;
      setImmediate(() => {
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
        setTimeout(() => {
          unanswered -= frame.length;
          // No broker refuses anything.
          const body = { errorCode: 0, partitionErrors: [], topics: [] };
          done(null, { version, body: body as never });
        }, 0);
      });
    },
    close() {},
  });
  return { link };
}
