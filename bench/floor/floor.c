// floor is the least work that a server on epoll can do for a row of the table: the system calls of an echo server, without WebSocket. It
// answers a fixed number of octets to a fixed number of octets, whatever they are.
//
//	floor IN OUT echo        OUT octets to whoever has sent IN octets
//	floor IN OUT broadcast   OUT octets to every connection when one has sent IN octets: a loop of send()
//	floor IN OUT close       OUT octets to the first octets that come, then close()
//
// The first octets on every connection are taken for an opening handshake and answered with a 101 that is always the same. Each readiness is
// one recv() of up to 64 KiB, repeated while it fills the buffer; all that it calls for leaves in one send(). The port is printed on a line.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { maxFd = 1 << 16, batch = 512, readSize = 64 << 10, outSize = 4 << 20 };

struct conn {
	long got;     // octets of a message that is not complete; -1: before the opening handshake
	long pending; // octets that the kernel has not taken
	int place;    // in order
};

static struct conn conns[maxFd];
static int order[maxFd], opened; // descriptors in the order of their opening, for broadcast; -1: closed
static char in[readSize], out[outSize];
static int ep;

static const char upgrade[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static void die(const char *what) {
	perror(what);
	exit(1);
}

static void watch(int op, int fd, unsigned events) {
	struct epoll_event ev = {.events = events, .data.fd = fd};
	if (epoll_ctl(ep, op, fd, &ev)) die("epoll_ctl");
}

static void end(int fd) {
	order[conns[fd].place] = -1;
	close(fd);
}

// give sends n octets, or notes what is left. It returns 0 if the connection has failed.
static int give(int fd, const char *b, long n) {
	struct conn *c = &conns[fd];
	if (c->pending) {
		c->pending += n;
		return 1;
	}
	long sent = send(fd, b, n, MSG_NOSIGNAL);
	if (sent < 0) {
		if (errno != EAGAIN) return 0;
		sent = 0;
	}
	if (sent < n) {
		c->pending = n - sent;
		watch(EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT);
	}
	return 1;
}

static void drain(int fd) {
	struct conn *c = &conns[fd];
	while (c->pending) {
		long sent = send(fd, out, c->pending < outSize ? c->pending : outSize, MSG_NOSIGNAL);
		if (sent < 0) return; // EAGAIN, or an error that the next recv reports
		c->pending -= sent;
	}
	watch(EPOLL_CTL_MOD, fd, EPOLLIN);
}

int main(int argc, char **argv) {
	if (argc != 4) {
		fprintf(stderr, "usage: floor IN OUT echo|broadcast|close\n");
		return 2;
	}
	long inLen = atol(argv[1]), outLen = atol(argv[2]);
	char mode = argv[3][0];
	if (inLen <= 0 || outLen <= 0 || outLen > outSize) return 2;

	int ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	setsockopt(ls, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); // inherited by what is accepted
	if (bind(ls, (void *)&a, sizeof a) || listen(ls, 4096) || getsockname(ls, (void *)&a, &len)) die("listen");
	printf("127.0.0.1:%d\n", ntohs(a.sin_port));
	fflush(stdout);
	if ((ep = epoll_create1(0)) < 0) die("epoll_create1");
	watch(EPOLL_CTL_ADD, ls, EPOLLIN);

	struct epoll_event evs[batch];
	for (;;) {
		int n = epoll_wait(ep, evs, batch, -1);
		for (int i = 0; i < n; i++) {
			int fd = evs[i].data.fd;
			if (fd == ls) {
				for (int k = 0; k < 64; k++) {
					int nfd = accept4(ls, NULL, NULL, SOCK_NONBLOCK);
					if (nfd < 0) break;
					if (nfd >= maxFd) die("too many connections");
					if (opened == maxFd) opened = 0; // only a broadcast needs the order, and it opens few
					conns[nfd] = (struct conn){.got = -1, .place = opened};
					order[opened++] = nfd;
					watch(EPOLL_CTL_ADD, nfd, EPOLLIN);
				}
				continue;
			}
			struct conn *c = &conns[fd];
			if (c->pending && evs[i].events & EPOLLOUT) drain(fd);
			if (!(evs[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) continue;
			long messages = 0, r;
			int alive = 1;
			do {
				r = recv(fd, in, readSize, 0);
				if (r <= 0) {
					alive = r < 0 && errno == EAGAIN;
					break;
				}
				if (c->got < 0) {
					c->got = 0;
					alive = give(fd, upgrade, sizeof upgrade - 1);
					break;
				}
				c->got += r;
				messages += c->got / inLen;
				c->got %= inLen;
			} while (r == readSize);
			if (alive && mode == 'c' && (messages || c->got)) {
				give(fd, out, outLen);
				alive = 0;
			} else if (alive && mode == 'b') {
				for (; messages; messages--)
					for (int k = 0; k < opened; k++)
						if (order[k] >= 0) give(order[k], out, outLen);
			} else {
				while (alive && messages) {
					long k = outSize / outLen < messages ? outSize / outLen : messages;
					alive = give(fd, out, k * outLen);
					messages -= k;
				}
			}
			if (!alive) end(fd);
		}
	}
}
