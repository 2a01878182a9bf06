import { NodeDisk } from '@odradek/broker/adapters/node-disk.ts';
import { silentLog } from '@odradek/broker/adapters/silent-log.ts';
import { ClientError, type ClientEnvironment, type ProducerRecord } from '@odradek/client';
import { DEFAULT_LOG_CONFIG } from '@odradek/core/log/log-config.ts';
import { logContextOf } from '@odradek/core/log/log-context.ts';
import { OpenFiles } from '@odradek/core/log/open-files.ts';
import { PartitionLog } from '@odradek/core/log/partition-log.ts';
import type { Disk } from '@odradek/core/ports/disk.ts';
import { tryLock } from '../exclusive-lock.ts';
import { batchOf, recordsIn } from './spooled-bytes.ts';
import type { SpooledRecord } from './spool-options.ts';

/*
 * The spool on the disk: a partition's log, the same code as the broker's, beside a position file and a lock.
 *
 * What may happen: the process dies at any moment; the power goes, and with it what was not synced; the disk is full
 * or fails. A crash may leave a torn append at the end, which opening cuts off: it was not taken yet. Damage before what
 * the position file says was synced is told, never cut in silence.
 */

const READ_BYTES = 1024 * 1024;
const INT32_MAX = 0x7fffffff;

interface Position {
  /** Everything before is acknowledged by the cluster. */
  readonly sent: number;
  /** Everything before was on the disk. */
  readonly synced: number;
}

export class SpoolLog {
  private readonly disk: Disk;
  private readonly log: PartitionLog;
  private readonly unlock: () => void;
  private readonly positionPath: string;
  private readonly environment: ClientEnvironment;
  /** Records that were taken, and are not there any more. */
  readonly missing: number;
  private written: Position;

  /** @throws ClientError SPOOL_IN_USE; DiskError */
  constructor(directory: string, segmentBytes: number, environment: ClientEnvironment) {
    this.disk = new NodeDisk();
    this.environment = environment;
    this.disk.makeDirectory(directory);
    this.unlock = locked(directory);
    this.positionPath = `${directory}/position`;
    this.written = this.readPosition();
    const { sent, synced } = this.written;
    const { clock, timers, random } = environment;
    this.log = PartitionLog.open(
      logContextOf(
        {
          disk: this.disk,
          clock,
          timers,
          random: { fraction: () => random.fraction(), uuidBytes: () => Buffer.alloc(16) },
          log: silentLog,
        },
        new OpenFiles(this.disk, 64),
      ),
      `${directory}/records-0`,
      {
        topic: 'records',
        partition: 0,
        config: {
          ...DEFAULT_LOG_CONFIG,
          segmentBytes,
          segmentMs: Number.MAX_SAFE_INTEGER,
          retentionMs: -1,
          fileDeleteDelayMs: 0,
          maxMessageBytes: INT32_MAX,
          messageTimestampAfterMaxMs: Infinity,
        },
        logStartOffset: sent,
        recoveryPoint: synced,
        wasCleanShutdown: false,
      },
    );
    this.missing = Math.max(synced - Math.max(this.log.logEndOffset, sent), 0);
    this.log.flush();
    this.log.updateHighWatermark(this.log.logEndOffset);
    this.log.advanceLogStartOffset(Math.min(sent, this.log.logEndOffset));
  }

  /** The sequence number of the first record that is not acknowledged. */
  get sent(): number {
    return this.log.logStartOffset;
  }

  /** The sequence number that the next record gets. */
  get end(): number {
    return this.log.logEndOffset;
  }

  /** Everything before may be sent. */
  get readable(): number {
    return this.log.highWatermark;
  }

  get sizeBytes(): number {
    return this.log.sizeBytes;
  }

  /** @returns the sequence number of the first @throws KafkaError KAFKA_STORAGE_ERROR when the disk does not take them */
  append(records: readonly ProducerRecord[]): number {
    const batch = batchOf(records, this.environment.clock.now());
    return this.log.appendAsLeader(batch, { leaderEpoch: 0, origin: 'coordinator' }).firstOffset;
  }

  /** Everything before may be sent from now on. */
  release(upTo: number): void {
    this.log.updateHighWatermark(upTo);
  }

  /** Resolves when all that is there now is on the disk. */
  sync(): Promise<void> {
    return new Promise((resolve, reject) =>
      this.log.flushLater((error) => (error === null ? resolve() : reject(error))),
    );
  }

  /** The next records, about a megabyte; none at the end. @throws KafkaError CORRUPT_MESSAGE, KAFKA_STORAGE_ERROR */
  read(from: number): SpooledRecord[] {
    const { slice } = this.log.read(from, {
      maxBytes: READ_BYTES,
      minOneBatch: true,
      upTo: 'high-watermark',
    });
    if (slice === null) return [];
    try {
      const bytes = Buffer.allocUnsafe(slice.sizeBytes);
      return recordsIn(bytes.subarray(0, slice.read(bytes, 0, bytes.length)), from);
    } finally {
      slice.release();
    }
  }

  /** Everything before is of no further use. Files go when all of them is. */
  trim(upTo: number): void {
    if (upTo <= this.log.logStartOffset) return;
    this.log.advanceLogStartOffset(upTo);
    this.log.deleteOldSegments(this.environment.clock.now());
  }

  /** @returns where the oldest file ends, which is the next record's number where there is only one */
  get oldestFileEnd(): number {
    return this.log.storage.segments.at(1)?.baseOffset ?? this.log.logEndOffset;
  }

  /** Closes the file that is being written. */
  roll(): void {
    this.log.roll();
  }

  /** Writes down how far it got, durably: what was sent since comes twice after a crash. */
  checkpoint(): void {
    const position = { sent: this.sent, synced: this.log.recoveryPoint };
    if (position.sent === this.written.sent && position.synced === this.written.synced) return;
    this.disk.replaceFile(this.positionPath, Buffer.from(`${JSON.stringify(position)}\n`));
    this.written = position;
  }

  close(): void {
    if (!this.log.isOffline) {
      this.log.flush();
      this.checkpoint();
    }
    this.log.close();
    this.unlock();
  }

  private readPosition(): Position {
    const text = this.disk.readFile(this.positionPath);
    if (text === null) return { sent: 0, synced: 0 };
    try {
      const { sent, synced } = JSON.parse(text.toString()) as Position;
      if (Number.isSafeInteger(sent) && Number.isSafeInteger(synced)) return { sent, synced };
    } catch {
      // Told below, as any other contents that are none.
    }
    throw new ClientError(
      'SPOOL_DAMAGED',
      `${this.positionPath} holds no position; without the file everything in the directory is sent again`,
    );
  }
}

/** @throws ClientError SPOOL_IN_USE */
function locked(directory: string): () => void {
  const unlock = tryLock(`${directory}/lock`);
  if (unlock !== null) return unlock;
  throw new ClientError('SPOOL_IN_USE', `${directory} is in use: each process needs a directory of its own`);
}
