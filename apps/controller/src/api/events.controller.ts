import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiHeader, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import {
  eventId,
  eventList,
  type EventListQuery,
  eventListQuery,
  type EventPageQuery,
  eventPageQuery,
  idOrName,
  uuid,
} from '#contract';
import { EventStore, InstanceStore, MachineStore } from '#store';
import { Answers, Problems } from '../http/answers.js';
import { HeaderValue } from '../http/header-value.js';
import { invalidRequest } from '../http/validation.js';
import { type EventScope, EventStream } from './event-stream.js';
import { eventViewOf } from './views.js';

const streamType = 'text/event-stream';
const lastEventId = { name: 'Last-Event-ID', schema: eventId };
const description =
  'With `Accept: text/event-stream` it stays open and sends what happens; after a lost connection Last-Event-ID resumes. Otherwise a page.';

@ApiTags('events')
@ApiBearerAuth('api-token')
@ApiHeader({
  name: 'Last-Event-ID',
  required: false,
  description: 'Streams: only events later than this one',
})
@Controller('v1')
export class EventsController {
  constructor(
    private readonly events: EventStore,
    private readonly stream: EventStream,
    private readonly machines: MachineStore,
    private readonly instances: InstanceStore,
  ) {}

  @Get('events')
  @ApiOperation({ summary: 'The timeline of everything', description })
  @ApiProduces('application/json', streamType)
  @Answers(200, 'Events, the oldest first unless ordered otherwise', eventList)
  @Problems()
  async listEvents(
    @Query({ schema: eventListQuery }) query: EventListQuery,
    @HeaderValue(lastEventId) resume: string | undefined,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const { machineId, instanceId, ...page } = query;
    await this.answer({ machineId, instanceId }, { ...page, resume }, request, response);
  }

  @Get('machines/:id/events')
  @ApiOperation({ summary: 'The timeline of a machine', description })
  @ApiProduces('application/json', streamType)
  @Answers(200, 'Events, the oldest first unless ordered otherwise', eventList)
  @Problems([404, 'There is no such machine'])
  async listMachineEvents(
    @Param('id', { schema: idOrName }) id: string,
    @Query({ schema: eventPageQuery }) page: EventPageQuery,
    @HeaderValue(lastEventId) resume: string | undefined,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const machine = await this.machines.find(id);
    await this.answer({ machineId: machine.id }, { ...page, resume }, request, response);
  }

  @Get('instances/:id/events')
  @ApiOperation({ summary: 'The timeline of an instance', description })
  @ApiProduces('application/json', streamType)
  @Answers(200, 'Events, the oldest first unless ordered otherwise', eventList)
  @Problems([404, 'There is no such instance'])
  async listInstanceEvents(
    @Param('id', { schema: uuid }) id: string,
    @Query({ schema: eventPageQuery }) page: EventPageQuery,
    @HeaderValue(lastEventId) resume: string | undefined,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const instance = await this.instances.get(id);
    await this.answer({ instanceId: instance.id }, { ...page, resume }, request, response);
  }

  private async answer(
    scope: Pick<EventScope, 'machineId' | 'instanceId'>,
    { kind: kinds, since: from, resume, ...page }: EventPageQuery & { resume: string | undefined },
    request: Request,
    response: Response,
  ): Promise<void> {
    const since = from === undefined ? undefined : new Date(from);
    if (request.accepts(['application/json', streamType]) === streamType) {
      refuseForStreams(page);
      return this.stream.send(response, { ...scope, kinds, since }, resume ?? page.after);
    }
    const { items, next } = await this.events.list({ ...scope, ...page, kinds, since });
    response.json({ items: items.map(eventViewOf), next });
  }
}

/** A stream goes forwards and has no end; what was asked for must not be left out silently. */
function refuseForStreams({ before, order }: Pick<EventPageQuery, 'before' | 'order'>): void {
  const message = 'is for pages: a stream tells the oldest first, and goes on';
  const faults = [
    ...(before === undefined ? [] : [{ field: 'before', message }]),
    ...(order === 'asc' ? [] : [{ field: 'order', message }]),
  ];
  if (faults.length > 0) throw invalidRequest(faults);
}
