import type { Clock, SecretBox } from '#platform';

/** As EC2 has it: six hours. */
const longestS = 21_600;
const purpose = 'metadata session';

/**
 * The tokens of EC2's second protocol (IMDSv2): `PUT /latest/api/token`, then one in every request. They are derived and nowhere
 * stored, so that each controller of a site takes those of the others; each is good for one instance and a while.
 */
export class SessionTokens {
  constructor(
    private readonly box: SecretBox,
    private readonly clock: Clock,
  ) {}

  /** undefined: it was not asked for as many seconds as one may ask for. */
  issue(instanceId: string, ttl: string | undefined): { token: string; ttl: string } | undefined {
    if (ttl === undefined || !/^\d{1,5}$/.test(ttl) || Number(ttl) < 1 || Number(ttl) > longestS)
      return undefined;
    const endsAt = (Math.floor(this.clock.now().getTime() / 1000) + Number(ttl)).toString(36);
    return { token: `${endsAt}.${this.box.token(purpose, `${instanceId} ${endsAt}`).reveal()}`, ttl };
  }

  isGood(instanceId: string, token: string): boolean {
    const [endsAt = '', proof = ''] = token.split('.');
    const isOver = !(parseInt(endsAt, 36) * 1000 > this.clock.now().getTime());
    return this.box.isToken(purpose, `${instanceId} ${endsAt}`, proof) && !isOver;
  }
}
