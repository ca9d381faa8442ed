import { Type } from 'typebox';
import type { AdminApp } from './admin-app.ts';
import {
  answers,
  CertificateAnswer,
  CertificateBody,
  CertificateDetailAnswer,
  NameParams,
  RotationAnswer,
} from './schemas.ts';
import type { GatewayView } from './view.ts';

/** Adds `/v1/certificates`. The checks of an upload are the view's; it throws SP_CERTIFICATE_INVALID with every problem. */
export function addCertificateRoutes(app: AdminApp, view: GatewayView['certificates']): void {
  const tags = ['certificates'];

  app.get(
    '/v1/certificates',
    { schema: { tags, response: answers(200, Type.Array(CertificateAnswer)) } },
    async () => view.list(),
  );
  app.get(
    '/v1/certificates/:name',
    { schema: { tags, params: NameParams, response: answers(200, CertificateDetailAnswer) } },
    async (request) => view.find(request.params.name),
  );
  app.put(
    '/v1/certificates/:name',
    { schema: { tags, params: NameParams, body: CertificateBody, response: answers(200, RotationAnswer) } },
    async (request) => view.rotate(request.params.name, request.body),
  );
  app.post(
    '/v1/certificates/:name/rollback',
    { schema: { tags, params: NameParams, response: answers(200, RotationAnswer) } },
    async (request) => view.rollback(request.params.name),
  );
  app.delete(
    '/v1/certificates/:name',
    { schema: { tags, params: NameParams, response: answers(204, Type.Null()) } },
    async (request, reply) => {
      await view.remove(request.params.name);
      return reply.code(204).send();
    },
  );
}
