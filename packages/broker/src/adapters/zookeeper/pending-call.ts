import { CoordinationError, type Done } from '@odradek/core/ports/coordination.ts';
import type { Call } from './call-queue.ts';
import { guarded } from './guarded.ts';
import type { JuteReader } from './jute-reader.ts';
import type { ReplyHeader } from './messages.ts';
import { serverFailure, type Request } from './requests.ts';
import { ServerError } from './wire-constants.ts';

/** A request on its way to its answer. */
export class PendingCall<Answer> implements Call {
  readonly path: string;
  readonly frame: Buffer | null;
  readonly isWrite: boolean;
  sends = 0;
  settled: (() => void) | null = null;
  private readonly request: Request<Answer> | null;
  private readonly done: Done<Answer>;

  constructor(
    request: Request<Answer> | null,
    frame: Buffer | null,
    done: Done<Answer>,
    path = request?.path ?? '/',
  ) {
    this.request = request;
    this.frame = frame;
    this.isWrite = request?.isWrite ?? false;
    this.done = done;
    this.path = path;
  }

  fail(error: CoordinationError): void {
    this.settled = () => guarded(() => this.done(error, null));
  }

  /** @throws ZookeeperProtocolError when the answer makes no sense; the call has no outcome then */
  take({ error }: ReplyHeader, reader: JuteReader): void {
    const { request } = this;
    if (request === null) return;
    try {
      const answer = error === ServerError.none ? request.read(reader) : request.answerFor?.(error);
      if (answer === undefined && error !== ServerError.none) {
        return this.fail(serverFailure(error, request.path, request.operation));
      }
      reader.end();
      this.settled = () => guarded(() => this.done(null, answer as Answer));
    } catch (failure) {
      if (!(failure instanceof CoordinationError)) throw failure;
      this.fail(failure);
    }
  }
}
