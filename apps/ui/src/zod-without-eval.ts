import { z } from 'zod';

/** Before the first schema is made: the policy of the page forbids code that is made from text, even to try it. */
z.config({ jitless: true });
