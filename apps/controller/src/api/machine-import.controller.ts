import { Body, Controller, HttpCode, Post, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiConsumes, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import type { Machine } from '#core';
import { type FieldFault, machineImportResult, type MachineImportResult } from '#contract';
import { Clock } from '#platform';
import type { Asker } from '#provisioning';
import { InstanceTypeStore, MachineStore } from '#store';
import { Answers, Problems } from '../http/answers.js';
import { TakesBody } from '../http/body.interceptor.js';
import { MiB } from '../http/body-reader.js';
import { AskedBy } from './api-token.guard.js';
import { MachineEnrolment } from './machine-enrolment.js';
import {
  type ImportedRow,
  importInvalid,
  importTypes,
  type ImportType,
  readImport,
  takenBy,
} from './machine-import.js';
import { machineViewOf } from './views.js';

@ApiTags('machines')
@ApiBearerAuth('api-token')
@Controller('v1/machines')
export class MachineImportController {
  constructor(
    private readonly machines: MachineStore,
    private readonly instanceTypes: InstanceTypeStore,
    private readonly enrolment: MachineEnrolment,
    private readonly clock: Clock,
  ) {}

  @Post('import')
  @HttpCode(201)
  @TakesBody({ as: 'text', types: importTypes, limitBytes: 16 * MiB })
  @ApiConsumes(...importTypes)
  @ApiBody({
    schema: { type: 'string' },
    description: 'CSV with a heading row, or a YAML list; fields as in MachineCreate',
  })
  @ApiOperation({
    summary: 'Enrol many machines: all of them, or none',
    description: 'CSV headings are the fields of MachineCreate, `label.KEY` and `rootDeviceHint.FIELD`.',
  })
  @Answers(201, 'All are enrolled; their BMCs are being tried', machineImportResult)
  @Problems([422, 'Nothing was imported; `errors` names every bad row and field'])
  async importMachines(
    @Body() text: string,
    @Req() request: Request,
    @AskedBy() asker: Asker,
  ): Promise<MachineImportResult> {
    const type: ImportType = request.is('text/csv') ? 'text/csv' : 'application/yaml';
    const rows = readImport(text, type);
    const faults = [...(await this.ofUnknownType(rows)), ...takenBy(await this.enrolled(), rows)];
    if (faults.length > 0) throw importInvalid(faults.sort((a, b) => (a.row ?? 0) - (b.row ?? 0)));
    const machines = await this.enrolment.enrolAll(
      rows.map(({ machine }) => machine),
      asker,
    );
    const now = this.clock.now();
    return { imported: machines.length, machines: machines.map((machine) => machineViewOf(machine, now)) };
  }

  private async ofUnknownType(rows: ImportedRow[]): Promise<FieldFault[]> {
    const known = new Set<string>();
    for (let after: string | undefined, page; page?.next !== null; after = page.next ?? undefined) {
      page = await this.instanceTypes.list({ after, limit: 1000 });
      for (const { name } of page.items) known.add(name);
    }
    return rows
      .filter(({ machine }) => !known.has(machine.instanceType))
      .map(({ row, machine }) => ({
        row,
        field: 'instanceType',
        message: `there is no instance type ${machine.instanceType}`,
      }));
  }

  private async enrolled(): Promise<Machine[]> {
    const all: Machine[] = [];
    for (let after: string | undefined, page; page?.next !== null; after = page.next ?? undefined) {
      page = await this.machines.list({ after, limit: 1000 });
      all.push(...page.items);
    }
    return all;
  }
}
