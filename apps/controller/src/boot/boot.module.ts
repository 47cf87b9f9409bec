import { Module } from '@nestjs/common';
import { EventWait } from '../api/event-wait.js';
import { ConfigDriveController } from './config-drive.controller.js';
import { BootFilesController } from './boot-files.controller.js';
import { BootLog } from './boot-log.js';
import { CallbacksController } from './callbacks.controller.js';
import { DiskController } from './disk.controller.js';
import { FetchRecorder } from './fetch-recorder.js';
import { ImageFiles } from './image-files.js';
import { ImageServing } from './image-serving.js';
import { MachineResolver } from './machine-resolver.js';
import { NotifyRefusals } from './notify-refusals.js';
import { OwnerController } from './owner.controller.js';

/** Role `boot`: what machines talk to over HTTP. */
@Module({
  controllers: [
    ConfigDriveController,
    DiskController,
    BootFilesController,
    CallbacksController,
    OwnerController,
  ],
  providers: [BootLog, EventWait, FetchRecorder, ImageFiles, ImageServing, MachineResolver, NotifyRefusals],
})
export class BootModule {}
