import {
  type DocumentList,
  documentList,
  type DoctorView,
  doctorView,
  type ConfigurationDefaultsInput,
  configurationDefaultsList,
  type ConfigurationDefaultsView,
  configurationDefaultsView,
  type AdoptRequest,
  type Digests,
  type EventView,
  type ImageFetchInput,
  type ImagePatch,
  type ImageSums,
  type ImageView,
  type InstanceCreateInput,
  type InstanceTypePatch,
  type InstanceTypeView,
  type InstanceView,
  type InstanceWait,
  type MachineCreateInput,
  type MachineImportResult,
  type MachineListQuery,
  type MachinePatch,
  type MachineView,
  type PowerVerb,
  type SpawnPreview,
  type UserDataItemPutInput,
  type UserDataItemStored,
  type UserDataItemView,
  type WhyView,
  eventList,
  imageDigests,
  imageList,
  imageView,
  instanceList,
  instanceTypeCreate,
  instanceTypeList,
  instanceTypeView,
  instanceView,
  lastEventIdHeader,
  machineImportResult,
  machineList,
  machineView,
  spawnPreview,
  userDataItemList,
  userDataItemStored,
  userDataItemView,
  whyView,
} from '#contract';
import type { DefaultsScope, InstanceVerb, PowerOrderVerb } from '#core';
import type { z } from 'zod';
import { collect } from './collect.js';
import { type EventFilter, type FollowOptions, type Sleep, followEvents } from './event-stream.js';
import { HttpTransport, type TransportOptions } from './http-transport.js';
import { type ImageUpload, uploadImage } from './image-upload.js';
import { type Following, workOnImage } from './image-work.js';
import { type ResumableUpload, sendResumably } from './resumable-upload.js';
import { type ListOptions, pages } from './list-pages.js';

export interface ClientOptions extends TransportOptions {
  /** How to wait before a lost event stream is opened again. */
  sleep: Sleep;
}

/** The captured text, and the event after which more of it comes. */
export interface ConsoleText {
  text: string;
  lastEventId: string;
}

const segment = encodeURIComponent;

const defaultsPath = (scope: DefaultsScope, name: string) =>
  `/v1/configuration-defaults/${scope}/${segment(name)}`;

/** A verb in a path: `power_cycle` is `power-cycle` there. */
const wordOf = (verb: string) => verb.replaceAll('_', '-');

/** fetch() gives up on an answer after five minutes. */
const longestWaitSeconds = 240;

const waitFor = (wait: string, seconds: number | undefined) =>
  seconds === undefined ? {} : { wait, timeout: Math.min(seconds, longestWaitSeconds) };

/**
 * The controller's REST API, typed by its own schemas. Machines and images are named by id or name, instances
 * by id. Errors are `DomainError`; those that the controller answered are `ApiProblem`.
 */
export class DodaiClient {
  readonly #http: HttpTransport;
  readonly #sleep: Sleep;

  constructor({ sleep, ...transport }: ClientOptions) {
    this.#http = new HttpTransport(transport);
    this.#sleep = sleep;
  }

  listMachines(
    query: Partial<Pick<MachineListQuery, 'state' | 'instanceType' | 'label'>> & ListOptions = {},
  ) {
    return pages(this.#http, machineList, '/v1/machines', query);
  }

  async machine(machine: string): Promise<MachineView> {
    return await this.#http.read(machineView, { path: `/v1/machines/${segment(machine)}` });
  }

  /** Where it stands, what is missing and what to check next. */
  async whyMachine(machine: string): Promise<WhyView> {
    return await this.#http.read(whyView, { path: `/v1/machines/${segment(machine)}/why` });
  }

  /** With `waitSeconds` the answer says whether its BMC was reached; a failed check is an error. */
  async createMachine(body: MachineCreateInput, waitSeconds?: number): Promise<MachineView> {
    const query = waitFor('verified', waitSeconds);
    return await this.#http.read(machineView, { method: 'POST', path: '/v1/machines', query, body });
  }

  /** All or none. */
  async importMachines(content: string, format: 'csv' | 'yaml'): Promise<MachineImportResult> {
    return await this.#http.read(machineImportResult, {
      method: 'POST',
      path: '/v1/machines/import',
      headers: { 'content-type': format === 'csv' ? 'text/csv' : 'application/yaml' },
      text: content,
    });
  }

  async updateMachine(machine: string, body: MachinePatch): Promise<MachineView> {
    return await this.#http.read(machineView, {
      method: 'PATCH',
      path: `/v1/machines/${segment(machine)}`,
      body,
    });
  }

  async verifyMachine(machine: string, waitSeconds?: number): Promise<MachineView> {
    const query = waitFor('verified', waitSeconds);
    const path = `/v1/machines/${segment(machine)}/verify`;
    return await this.#http.read(machineView, { method: 'POST', path, query });
  }

  async deleteMachine(machine: string): Promise<void> {
    await this.#http.send({ method: 'DELETE', path: `/v1/machines/${segment(machine)}` });
  }

  async power(machine: string, verb: PowerVerb): Promise<MachineView> {
    const path = `/v1/machines/${segment(machine)}/power`;
    return await this.#http.read(machineView, { method: 'POST', path, body: { verb } });
  }

  /** What the serial console said during the latest work, or while an instance was on the machine. */
  async console(machine: string, instance?: string): Promise<ConsoleText> {
    const path = `/v1/machines/${segment(machine)}/console`;
    const headers = { accept: 'text/plain, application/problem+json' };
    const response = await this.#http.send({ path, query: { instance }, headers });
    return { text: await response.text(), lastEventId: response.headers.get(lastEventIdHeader) ?? '0' };
  }

  /** A verb of the life cycle, or a mark; see /docs for the body that each takes. */
  async askMachine(
    machine: string,
    verb: 'retry' | 'abort' | PowerOrderVerb | 'lock' | 'unlock',
    body: object = {},
  ): Promise<MachineView> {
    const path = `/v1/machines/${segment(machine)}/${wordOf(verb)}`;
    return await this.#http.read(machineView, { method: 'POST', path, body });
  }

  /** Puts it into maintenance; a reason of null ends that. */
  async maintain(machine: string, reason: string | null): Promise<MachineView> {
    const path = `/v1/machines/${segment(machine)}/maintenance`;
    const asked =
      reason === null ? { method: 'DELETE' as const } : { method: 'POST' as const, body: { reason } };
    return await this.#http.read(machineView, { path, ...asked });
  }

  async adopt(machine: string, body: AdoptRequest): Promise<InstanceView> {
    const path = `/v1/machines/${segment(machine)}/adopt`;
    return await this.#http.read(instanceView, { method: 'POST', path, body });
  }

  listImages(query: ListOptions = {}) {
    return pages(this.#http, imageList, '/v1/images', query);
  }

  async image(image: string): Promise<ImageView> {
    return await this.#http.read(imageView, { path: `/v1/images/${segment(image)}` });
  }

  async updateImage(image: string, body: ImagePatch): Promise<ImageView> {
    const path = `/v1/images/${segment(image)}`;
    return await this.#http.read(imageView, { method: 'PATCH', path, body });
  }

  async uploadImage(upload: ImageUpload): Promise<ImageView> {
    return await uploadImage(this.#http, upload);
  }

  /** In as many pieces as it takes; then it is imported with `fetchImage`. Answers what the upload is called. */
  async sendResumably(upload: ResumableUpload): Promise<string> {
    return await sendResumably(this.#http, upload, this.#sleep);
  }

  /** What a list of digests has for a file, once the controller has checked who signed it. */
  async readImageSums(sums: ImageSums): Promise<Digests> {
    return await this.#http.read(imageDigests, { method: 'POST', path: '/v1/images/sums', body: sums });
  }

  /** Fetched by the controller, for as long as this waits for it. */
  async fetchImage(order: ImageFetchInput, following: Following = {}): Promise<ImageView> {
    const request = { method: 'POST', path: '/v1/images', body: order } as const;
    return await workOnImage(this.#http, request, following);
  }

  /** Looked into anew by the controller. */
  async checkImage(image: string, following: Following = {}): Promise<ImageView> {
    const request = { method: 'POST', path: `/v1/images/${segment(image)}/check` } as const;
    return await workOnImage(this.#http, request, following);
  }

  async deleteImage(image: string): Promise<void> {
    await this.#http.send({ method: 'DELETE', path: `/v1/images/${segment(image)}` });
  }

  async documents(id: string): Promise<DocumentList> {
    return await this.#http.read(documentList, { path: `/v1/instances/${id}/documents` });
  }

  async documentsBeforehand(body: InstanceCreateInput): Promise<DocumentList> {
    return await this.#http.read(documentList, { method: 'POST', path: '/v1/instances/documents', body });
  }

  async doctor(id: string): Promise<DoctorView> {
    return await this.#http.read(doctorView, { path: `/v1/instances/${id}/doctor` });
  }

  listDefaults(query: ListOptions = {}) {
    return pages(this.#http, configurationDefaultsList, '/v1/configuration-defaults', query);
  }

  async defaults(scope: DefaultsScope, name: string): Promise<ConfigurationDefaultsView> {
    return await this.#http.read(configurationDefaultsView, { path: defaultsPath(scope, name) });
  }

  async putDefaults(
    scope: DefaultsScope,
    name: string,
    body: ConfigurationDefaultsInput,
  ): Promise<ConfigurationDefaultsView> {
    return await this.#http.read(configurationDefaultsView, {
      method: 'PUT',
      path: defaultsPath(scope, name),
      body,
    });
  }

  async deleteDefaults(scope: DefaultsScope, name: string): Promise<void> {
    await this.#http.send({ method: 'DELETE', path: defaultsPath(scope, name) });
  }

  listInstanceTypes(query: ListOptions = {}) {
    return pages(this.#http, instanceTypeList, '/v1/instance-types', query);
  }

  async instanceType(name: string): Promise<InstanceTypeView> {
    return await this.#http.read(instanceTypeView, { path: `/v1/instance-types/${segment(name)}` });
  }

  async createInstanceType(body: z.input<typeof instanceTypeCreate>): Promise<InstanceTypeView> {
    return await this.#http.read(instanceTypeView, { method: 'POST', path: '/v1/instance-types', body });
  }

  async updateInstanceType(name: string, body: InstanceTypePatch): Promise<InstanceTypeView> {
    const path = `/v1/instance-types/${segment(name)}`;
    return await this.#http.read(instanceTypeView, { method: 'PATCH', path, body });
  }

  async deleteInstanceType(name: string): Promise<void> {
    await this.#http.send({ method: 'DELETE', path: `/v1/instance-types/${segment(name)}` });
  }

  listUserDataItems(query: ListOptions = {}) {
    return pages(this.#http, userDataItemList, '/v1/user-data-items', query);
  }

  /** Without a version: the newest. */
  async userDataItem(name: string, version?: number): Promise<UserDataItemView> {
    const path = `/v1/user-data-items/${segment(name)}`;
    return await this.#http.read(userDataItemView, { path, query: { version } });
  }

  async putUserDataItem(name: string, body: UserDataItemPutInput): Promise<UserDataItemStored> {
    const path = `/v1/user-data-items/${segment(name)}`;
    return await this.#http.read(userDataItemStored, { method: 'PUT', path, body });
  }

  /** Without a version: all of them. */
  async deleteUserDataItem(name: string, version?: number): Promise<void> {
    const path = `/v1/user-data-items/${segment(name)}`;
    await this.#http.send({ method: 'DELETE', path, query: { version } });
  }

  listInstances(
    query: {
      state?: InstanceView['state'];
      deleted?: boolean;
      hostName?: string;
      idPrefix?: string;
    } & ListOptions = {},
  ) {
    return pages(this.#http, instanceList, '/v1/instances', query);
  }

  async instance(id: string): Promise<InstanceView> {
    return await this.#http.read(instanceView, { path: `/v1/instances/${segment(id)}` });
  }

  async whyInstance(id: string): Promise<WhyView> {
    return await this.#http.read(whyView, { path: `/v1/instances/${segment(id)}/why` });
  }

  /** The same `idempotencyKey` with the same request gives the same instance, however often it is sent. */
  async spawn(body: InstanceCreateInput, idempotencyKey?: string): Promise<InstanceView> {
    const headers: Record<string, string> = idempotencyKey ? { 'idempotency-key': idempotencyKey } : {};
    return await this.#http.read(instanceView, { method: 'POST', path: '/v1/instances', body, headers });
  }

  /** What a spawn would choose now, and why not the others. Nothing is reserved. */
  async previewSpawn(body: InstanceCreateInput): Promise<SpawnPreview> {
    const query = { dryRun: 'true' };
    return await this.#http.read(spawnPreview, { method: 'POST', path: '/v1/instances', query, body });
  }

  /** A verb of the life cycle, or a mark; see /docs for the body that each takes. */
  async askInstance(
    id: string,
    verb: Exclude<InstanceVerb, 'destroy'>,
    body: object = {},
  ): Promise<InstanceView> {
    const path = `/v1/instances/${segment(id)}/${wordOf(verb)}`;
    return await this.#http.read(instanceView, { method: 'POST', path, body });
  }

  async destroy(id: string): Promise<InstanceView> {
    return await this.#http.read(instanceView, { method: 'DELETE', path: `/v1/instances/${segment(id)}` });
  }

  /** Held until then, or the time is up (at most four minutes); a failed installation or deletion is an error. */
  async waitForInstance(id: string, wait: InstanceWait, timeoutSeconds: number): Promise<InstanceView> {
    const path = `/v1/instances/${segment(id)}`;
    return await this.#http.read(instanceView, { path, query: waitFor(wait, timeoutSeconds) });
  }

  /** What already happened, oldest first. */
  listEvents(filter: EventFilter & ListOptions = {}): AsyncGenerator<EventView, void> {
    return pages(this.#http, eventList, '/v1/events', filter);
  }

  /** The last `limit` of what already happened, oldest first; read from the end, whatever came before. */
  async latestEvents(filter: EventFilter & ListOptions): Promise<EventView[]> {
    const newestFirst = pages(this.#http, eventList, '/v1/events', { ...filter, order: 'desc' });
    return (await collect(newestFirst)).toReversed();
  }

  /** What happens from now on, or after an event; see {@link FollowOptions}. */
  followEvents(options: FollowOptions = {}): AsyncGenerator<EventView, void> {
    return followEvents(this.#http, this.#sleep, options);
  }
}
