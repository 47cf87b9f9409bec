import { applyDecorators, HttpCode, Post } from '@nestjs/common';
import { ApiOperation } from '@nestjs/swagger';
import type { z } from 'zod';
import { Answers, Problems } from '../http/answers.js';
import { TakesBody, TakesNoBody } from '../http/body.interceptor.js';

interface VerbRoute {
  path: string;
  summary: string;
  description?: string;
  /** `optional`: a request without one is as good as `{}`. */
  body?: 'none' | 'optional' | 'needed';
  /** 200: it is done with the answer; 202: the work begins. */
  status?: 200 | 202;
}

const bodies = { none: [TakesNoBody()], optional: [TakesBody({ optional: true })], needed: [] };

/** The routes of verbs, which are alike: recorded at once, done by the conductor, answered with what it is done to. */
export const verbRoutesOf =
  (what: string, view: z.ZodType) =>
  ({ path, summary, description, body = 'none', status = 202 }: VerbRoute) =>
    applyDecorators(
      Post(`:id/${path}`),
      ...bodies[body],
      HttpCode(status),
      ApiOperation({ summary, description }),
      Answers(status, status === 200 ? 'Done' : 'Recorded; it begins', view),
      Problems(
        [404, `There is no such ${what}`],
        [
          409,
          'Its state does not allow it, or it is locked; `verbs` of what is shown names what is possible',
        ],
      ),
    );
