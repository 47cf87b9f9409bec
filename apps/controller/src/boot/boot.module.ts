import { Module } from '@nestjs/common';
import { BootFilesController } from './boot-files.controller.js';
import { BootLog } from './boot-log.js';
import { CallbacksController } from './callbacks.controller.js';
import { FetchRecorder } from './fetch-recorder.js';
import { ImageFiles } from './image-files.js';
import { MachineResolver } from './machine-resolver.js';
import { NotifyRefusals } from './notify-refusals.js';

/** Role `boot`: what machines talk to over HTTP. */
@Module({
  controllers: [BootFilesController, CallbacksController],
  providers: [BootLog, FetchRecorder, ImageFiles, MachineResolver, NotifyRefusals],
})
export class BootModule {}
