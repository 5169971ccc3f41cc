// Package channelview renders the list of channels and the form of a channel.
package channelview
