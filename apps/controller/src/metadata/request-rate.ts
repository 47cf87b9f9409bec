import { BurstyRateLimiter, RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

/** So many times the rate, once in so many seconds, for a guest that asks for everything when it boots. */
const burst = 5;
const burstS = 60;

/** How often one caller may ask. */
export class RequestRate {
  private readonly limiter: BurstyRateLimiter;

  /** @param rate requests per second */
  constructor(rate: number) {
    this.limiter = new BurstyRateLimiter(
      new RateLimiterMemory({ points: rate, duration: 1 }),
      new RateLimiterMemory({ points: burst * rate, duration: burstS, keyPrefix: 'burst' }),
    );
  }

  /** 0: it may ask; otherwise after so many seconds. */
  async waitS(caller: string): Promise<number> {
    try {
      await this.limiter.consume(caller);
      return 0;
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      return Math.max(1, Math.ceil(refusal.msBeforeNext / 1000));
    }
  }
}
