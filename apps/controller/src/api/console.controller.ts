import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { type ConsoleQuery, consoleQuery, idOrName, lastEventIdHeader } from '#contract';
import { ConsoleStore, EventStore, MachineStore } from '#store';
import { Problems } from '../http/answers.js';

const textType = 'text/plain';

@ApiTags('machines')
@ApiBearerAuth('api-token')
@Controller('v1/machines')
export class ConsoleController {
  constructor(
    private readonly machines: MachineStore,
    private readonly consoles: ConsoleStore,
    private readonly events: EventStore,
  ) {}

  @Get(':id/console')
  @ApiOperation({
    summary: 'Show what the serial console of a machine said',
    description:
      'As it was captured during its latest installation, hand-over or wipe. What is said from then on comes as events `console.output`: follow the events of the machine after the id in `Last-Event-ID`.',
  })
  @ApiProduces(textType)
  @ApiResponse({
    status: 200,
    description: 'The text, without escape sequences; empty when nothing was captured',
    content: { [textType]: { schema: { type: 'string' } } },
    headers: {
      [lastEventIdHeader]: { description: 'The last event that counts', schema: { type: 'string' } },
    },
  })
  @Problems([404, 'There is no such machine'])
  async showConsole(
    @Param('id', { schema: idOrName }) id: string,
    @Query({ schema: consoleQuery }) { instance }: ConsoleQuery,
    @Res() response: Response,
  ): Promise<void> {
    const machine = await this.machines.find(id);
    const upTo = await this.events.latestId();
    const text = this.consoles.text({ machineId: machine.id, instanceId: instance, upTo });
    const first = await text.next(); // a database that fails is a problem while the answer can still be one
    response.set(lastEventIdHeader, upTo).type(textType);
    if (!first.done) response.write(first.value);
    await pipeline(Readable.from(text), response).catch((error: unknown) => {
      if (!response.destroyed) throw error; // the client went away
    });
  }
}
