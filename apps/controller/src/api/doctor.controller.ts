import { Controller, Get, Param } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type DoctorView, doctorView, uuid } from '#contract';
import { Doctor } from '#provisioning';
import { Answers, Problems } from '../http/answers.js';

@ApiTags('instances')
@ApiBearerAuth('api-token')
@Controller('v1/instances')
export class DoctorController {
  constructor(private readonly doctor: Doctor) {}

  @Get(':id/doctor')
  @ApiOperation({
    summary: 'Compare what the OS says of itself with what was asked for',
    description:
      "The OS tells when it first comes up as its owner's, once cloud-init, where it has that, is done.",
  })
  @Answers(200, 'What was compared', doctorView)
  @Problems([404, 'There is no such instance'])
  async examine(@Param('id', { schema: uuid }) id: string): Promise<DoctorView> {
    const { received, checks } = await this.doctor.examine(id);
    return { at: received?.at ?? null, checks, report: received?.report ?? null };
  }
}
