/** What a producer has done since it was made, and what it holds. A copy: it does not change. */
export interface ProducerMetrics {
  /** Acknowledged, or sent where nobody acknowledges (acks 0). */
  readonly recordsSent: number;
  /** Settled with an error, those refused at once among them. */
  readonly recordsFailed: number;
  /** Records of batches that went out again, each time. */
  readonly recordsRetried: number;
  /** Taken and not settled. */
  readonly recordsWaiting: number;
  /** Batches that went out, each time. */
  readonly batches: number;
  /** Of those batches, as they went out: compressed or not. */
  readonly batchBytes: number;
  /** Batches that were divided because a broker found them too large. */
  readonly batchesSplit: number;
  readonly requests: number;
  readonly requestsFailed: number;
  readonly requestsInFlight: number;
  /** From sending to the answer, milliseconds, of all requests that were answered. */
  readonly requestLatencyTotalMs: number;
  readonly requestLatencyMaxMs: number;
  /** What `bufferMemoryBytes` leaves, 0 or more. */
  readonly bufferAvailableBytes: number;
  /** Senders that wait for memory. */
  readonly memoryWaiters: number;
}

/** What the sender counts. */
export class SenderCounts {
  recordsRetried = 0;
  batches = 0;
  batchBytes = 0;
  batchesSplit = 0;
  requests = 0;
  requestsFailed = 0;
  requestsInFlight = 0;
  requestLatencyTotalMs = 0;
  requestLatencyMaxMs = 0;

  /** A request goes out. */
  begin(batches: Iterable<{ readonly attempts: number; readonly records: readonly unknown[] }>): void {
    this.requests++;
    this.requestsInFlight++;
    for (const { attempts, records } of batches) {
      this.batches++;
      if (attempts > 1) this.recordsRetried += records.length;
    }
  }

  /** @param latencyMs null when there was no answer to wait for, or none came */
  end(latencyMs: number | null, isFailed: boolean): void {
    this.requestsInFlight--;
    if (isFailed) this.requestsFailed++;
    if (latencyMs === null) return;
    this.requestLatencyTotalMs += latencyMs;
    this.requestLatencyMaxMs = Math.max(this.requestLatencyMaxMs, latencyMs);
  }
}
