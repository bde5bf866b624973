/*
 * The limit that the product is held against: a loop of write() in the same process on the same sockets. Nothing else: no queue, no accounting, no
 * rendering.
 *
 *   send(descriptors: Int32Array, ids: Buffer, frames: Buffer, holes: Int32Array): number
 *
 * Writes `frames`, one or several whole WebSocket frames, to each descriptor, with that socket's own operation id (36 bytes of `ids`) at each of
 * `holes`. Returns to how many sockets all of it was written; the caller has to see to it that nothing waits in them.
 */
#include <node_api.h>
#include <string.h>
#include <unistd.h>

enum { ID_BYTES = 36 };

static void *data_of(napi_env env, napi_value value, size_t *length) {
  bool is_buffer;
  void *data = NULL;
  napi_is_buffer(env, value, &is_buffer);
  napi_typedarray_type type;
  if (is_buffer && napi_get_typedarray_info(env, value, &type, NULL, NULL, NULL, NULL) == napi_ok && type == napi_uint8_array)
    napi_get_buffer_info(env, value, &data, length);
  else
    napi_get_typedarray_info(env, value, &type, length, &data, NULL, NULL);
  return data;
}

static napi_value send_all(napi_env env, napi_callback_info info) {
  size_t count = 4, descriptors_length = 0, ids_bytes = 0, frames_bytes = 0, holes_length = 0;
  napi_value arguments[4], result;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  const int *descriptors = data_of(env, arguments[0], &descriptors_length);
  const char *ids = data_of(env, arguments[1], &ids_bytes);
  char *frames = data_of(env, arguments[2], &frames_bytes);
  const int *holes = data_of(env, arguments[3], &holes_length);
  uint32_t written = 0;
  for (size_t i = 0; i < descriptors_length && (i + 1) * ID_BYTES <= ids_bytes; i++) {
    for (size_t k = 0; k < holes_length; k++) memcpy(frames + holes[k], ids + i * ID_BYTES, ID_BYTES);
    if (write(descriptors[i], frames, frames_bytes) == (ssize_t)frames_bytes) written++;
  }
  napi_create_uint32(env, written, &result);
  return result;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "send", NAPI_AUTO_LENGTH, send_all, NULL, &function);
  napi_set_named_property(env, exports, "send", function);
  return exports;
}
