/** Who asks, for the timeline: somebody with an API token, or dodai itself. */
export interface Asker {
  kind: 'token' | 'dodai';
  name: string;
}

export const dodai: Asker = { kind: 'dodai', name: 'dodai' };
