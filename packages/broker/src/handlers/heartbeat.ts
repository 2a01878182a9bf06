// Heartbeat: a group member shows that it lives, and learns whether it has to rejoin.
//
// v1 answers the throttle time, v3 adds static members (KIP-345), v4 is flexible.
import { heartbeatApi } from '@odradek/protocol/generated/apis/heartbeat.ts';
import type { HeartbeatRequest } from '@odradek/protocol/generated/heartbeat-request.ts';
import type { HeartbeatResponseInput } from '@odradek/protocol/generated/heartbeat-response.ts';
import type { Handler } from './handler.ts';
import { onceKnown } from './once-known.ts';

export const heartbeatHandler: Handler<HeartbeatRequest, HeartbeatResponseInput> = {
  api: heartbeatApi,
  versionMin: 0,
  versionMax: 4,

  handle({ groupId, generationId, memberId, groupInstanceId }, context) {
    const answer = context.broker.groups.request({
      kind: 'heartbeat',
      groupId,
      generationId,
      memberId,
      groupInstanceId,
    });
    return onceKnown(answer, ({ errorCode }) => ({ errorCode }));
  },

  failed(_request, errorCode) {
    return { errorCode };
  },
};
