import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Writes an event straight into Kafka: CloudEvents 1.0, binary mode. Needs org.apache.kafka:kafka-clients. */
public final class OrderShipped {
  public static void main(String[] args) throws Exception {
    Map<String, Object> settings = Map.of(
        "bootstrap.servers", System.getenv().getOrDefault("KAFKA_BROKERS", "localhost:9092"),
        "acks", "all");
    Map<String, String> headers = Map.of(
        "content-type", "application/json",
        "ce_specversion", "1.0",
        // The same id again is the same event: what a retry repeats is dropped.
        "ce_id", UUID.randomUUID().toString(),
        "ce_source", "/orders",
        "ce_type", "com.acme.order.shipped",
        "ce_time", Instant.now().toString(),
        "ce_audience", "user",
        "ce_subject", "ada");
    var record = new ProducerRecord<>("notifications", "ada",
        "{\"orderNumber\":\"1042\",\"itemCount\":2,\"parcels\":[{\"trackingNumber\":\"X1\"}]}");
    headers.forEach((name, value) -> record.headers().add(name, value.getBytes(StandardCharsets.UTF_8)));
    try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      producer.send(record).get();
    }
  }
}
