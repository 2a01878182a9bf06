// ListGroups: the groups that this broker coordinates.
//
// v1 answers the throttle time, v3 is flexible, v4 filters by state and tells it (KIP-518), v5 the same for the
// type (KIP-848).
import type { ListedGroup } from '@odradek/core/group/group-commands.ts';
import { listGroupsApi } from '@odradek/protocol/generated/apis/list-groups.ts';
import type { ListGroupsRequest } from '@odradek/protocol/generated/list-groups-request.ts';
import type { ListGroupsResponseInput } from '@odradek/protocol/generated/list-groups-response.ts';
import type { Handler } from './handler.ts';

const CLASSIC = 'classic';

export const listGroupsHandler: Handler<ListGroupsRequest, ListGroupsResponseInput> = {
  api: listGroupsApi,
  versionMin: 0,
  versionMax: 5,

  handle(request, context) {
    const { errorCode, groups } = context.broker.groups.listGroups();
    return {
      errorCode,
      groups: groups.filter(passes(request)).map(({ groupId, protocolType, state }) => ({
        groupId,
        protocolType,
        groupState: state,
        groupType: CLASSIC,
      })),
    };
  },

  failed(_request, errorCode) {
    return { errorCode, groups: [] };
  },
};

/** Filters ignore case; an empty one lets everything through, one of unknown names nothing. */
function passes({ statesFilter, typesFilter }: ListGroupsRequest): (group: ListedGroup) => boolean {
  const states = new Set(statesFilter.map((name) => name.toLowerCase()));
  const types = new Set(typesFilter.map((name) => name.toLowerCase()));
  return ({ state }) =>
    (states.size === 0 || states.has(state.toLowerCase())) && (types.size === 0 || types.has(CLASSIC));
}
