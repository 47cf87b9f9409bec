import { Module } from '@nestjs/common';
import { AdoptionController } from './adoption.controller.js';
import { ConfigurationDefaultsController } from './configuration-defaults.controller.js';
import { ConsoleController } from './console.controller.js';
import { DocumentsController } from './documents.controller.js';
import { DoctorController } from './doctor.controller.js';
import { EventStream } from './event-stream.js';
import { EventWait } from './event-wait.js';
import { EventsController } from './events.controller.js';
import { ImageFetching } from './image-fetching.js';
import { LongAnswers } from './long-answers.js';
import { ImageInstalls } from './image-installs.js';
import { ImageShelf } from './image-shelf.js';
import { ImageSources } from './image-sources.js';
import { Uploads } from './uploads.js';
import { UploadsController } from './uploads.controller.js';
import { SignedDigests } from './signed-digests.js';
import { ImagesController } from './images.controller.js';
import { InstanceReader } from './instance-reader.js';
import { InstanceVerbsController } from './instance-verbs.controller.js';
import { InstanceTypesController } from './instance-types.controller.js';
import { PoolSettings } from './pool-settings.js';
import { InstancesController } from './instances.controller.js';
import { MachineEnrolment } from './machine-enrolment.js';
import { MachineImportController } from './machine-import.controller.js';
import { MachineVerbsController } from './machine-verbs.controller.js';
import { MachinesController } from './machines.controller.js';
import { UserDataItemsController } from './user-data-items.controller.js';
import { WhyController } from './why.controller.js';

/** Role `api`: what orchestrators and operators talk to. */
@Module({
  controllers: [
    MachineImportController,
    MachinesController,
    MachineVerbsController,
    AdoptionController,
    ImagesController,
    UploadsController,
    InstanceTypesController,
    UserDataItemsController,
    DocumentsController,
    InstancesController,
    ConfigurationDefaultsController,
    DoctorController,
    InstanceVerbsController,
    EventsController,
    ConsoleController,
    WhyController,
  ],
  providers: [
    PoolSettings,
    EventStream,
    EventWait,
    ImageFetching,
    LongAnswers,
    ImageInstalls,
    ImageShelf,
    ImageSources,
    Uploads,
    SignedDigests,
    InstanceReader,
    MachineEnrolment,
  ],
})
export class ApiModule {}
