// DeleteGroups: forgets groups without members, and their offsets (KIP-229).
//
// v1 is the same, v2 is flexible, v3 has room for a message.
import { deleteGroupsApi } from '@odradek/protocol/generated/apis/delete-groups.ts';
import type { DeleteGroupsRequest } from '@odradek/protocol/generated/delete-groups-request.ts';
import type { DeleteGroupsResponseInput } from '@odradek/protocol/generated/delete-groups-response.ts';
import type { Handler } from './handler.ts';

export const deleteGroupsHandler: Handler<DeleteGroupsRequest, DeleteGroupsResponseInput> = {
  api: deleteGroupsApi,
  versionMin: 0,
  versionMax: 3,

  async handle(request, context) {
    const results = distinct(request).map(async (groupId) => {
      const { errorCode } = await context.broker.groups.request({ kind: 'delete-group', groupId });
      return { groupId, errorCode };
    });
    return { throttleTimeMs: 0, results: await Promise.all(results) };
  },

  failed(request, errorCode) {
    return { throttleTimeMs: 0, results: distinct(request).map((groupId) => ({ groupId, errorCode })) };
  },
};

/** A group named twice is answered once. */
function distinct({ groupsNames }: DeleteGroupsRequest): string[] {
  return [...new Set(groupsNames)];
}
