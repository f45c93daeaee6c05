"""CRMs and a REST service that live on 127.0.0.1 and fail on demand."""
